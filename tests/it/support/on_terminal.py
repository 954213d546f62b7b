"""Runs a command on a terminal of its own and types a line at each prompt: on_terminal.py LINE|LINE COMMAND..."""

import os
import pty
import sys

answers = iter(sys.argv[1].split("|"))
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])
told, answered = b"", 0
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        # Linux reports the end of the other side as an error.
        break
    if not piece:
        break
    told += piece
    if told.count(b"Enter a value: ") > answered:
        answered += 1
        os.write(terminal, next(answers).encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(told)
sys.exit(os.waitstatus_to_exitcode(status))
