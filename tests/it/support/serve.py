"""Runs one test server until the test that started it is gone.

Usage: serve.py moto | serve.py ministack

Prints the port as one line on stdout once the server has bound it. Ends when its standard input closes, which also
happens when the test process is killed: no server outlives its test.
"""
import os
import socket
import sys
import threading


def end_with_parent():
    sys.stdin.buffer.read()
    os._exit(0)


def announce(port):
    print(port, flush=True)


def moto():
    from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    import moto_mends

    moto_mends.apply()
    application = DomainDispatcherApplication(create_backend_app)
    application.debug = True
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    os.environ["MOTO_PORT"] = str(server.port)
    announce(server.port)
    server.serve_forever()


def ministack():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="127.0.0.1",
        SFTP_ENABLED="0",
        DOCKER_HOST="unix:///nonexistent",
    )
    from ministack.app import main

    sys.argv = ["ministack"]
    # The announcement precedes the bind: ministack picks no port of its own, and the caller waits for its answer.
    real_stdout, sys.stdout = sys.stdout, sys.stderr
    print(port, file=real_stdout, flush=True)
    main()


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    {"moto": moto, "ministack": ministack}[sys.argv[1]]()
