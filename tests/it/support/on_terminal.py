"""Runs a command on a terminal of its own and types a line at each prompt: on_terminal.py PROMPT LINE|LINE COMMAND..."""

import os
import pty
import sys

prompt, answers = sys.argv[1].encode(), iter(sys.argv[2].split("|"))
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[3], sys.argv[3:])
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
    if told.count(prompt) > answered:
        answered += 1
        # A prompt is shown again while its line is edited.
        if (answer := next(answers, None)) is not None:
            os.write(terminal, answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(told)
sys.exit(os.waitstatus_to_exitcode(status))
