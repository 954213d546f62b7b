"""Starts a server for states until the test that started it is gone.

Usage: state_servers.py azurite | state_servers.py postgres | state_servers.py http | state_servers.py gcs

Prints the port as one line on stdout once the server answers. Ends when its standard input closes, which also happens
when the test process is killed: no server outlives its test.
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

children = []
folders = []


def end_with_parent():
    sys.stdin.buffer.read()
    for child in children:
        child.send_signal(signal.SIGINT)
    for child in children:
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def folder():
    made = tempfile.mkdtemp(prefix="terrane-state-server-")
    folders.append(made)
    return made


def wait_for(port):
    deadline = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                sys.exit("the server does not listen")
            time.sleep(0.05)


def announce(port):
    print(port, flush=True)


def azurite():
    """Azurite with the container "states" of its well-known account."""
    modules = pathlib.Path(os.environ.get("TERRANE_TEST_NPM", pathlib.Path.home() / ".cache/terrane/npm"))
    command = modules / "node_modules/.bin/azurite-blob"
    port, data = free_port(), folder()
    children.append(subprocess.Popen(
        [command, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent", "--disableTelemetry",
         "--skipApiVersionCheck", "--location", data],
        stdout=sys.stderr, cwd=data))
    wait_for(port)
    account = "devstoreaccount1"
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    date, version = formatdate(usegmt=True), "2021-08-06"
    signed = "\n".join(["PUT", "", "", "", "", "", "", "", "", "", "", "", f"x-ms-date:{date}",
                        f"x-ms-version:{version}", f"/{account}/{account}/states", "restype:container"])
    digest = hmac.new(base64.b64decode(key), signed.encode(), hashlib.sha256).digest()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{account}/states?restype=container", method="PUT", headers={
            "x-ms-date": date, "x-ms-version": version, "Content-Length": "0",
            "Authorization": f"SharedKey {account}:{base64.b64encode(digest).decode()}"})
    urllib.request.urlopen(request).read()
    announce(port)
    threading.Event().wait()


def postgres():
    """PostgreSQL with the superuser "postgres", who needs no password, as a user that it accepts."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not found:
        sys.exit("no PostgreSQL server under /usr/lib/postgresql: install the package \"postgresql\"")
    port, data = free_port(), folder()
    as_user = {}
    if os.geteuid() == 0:
        # The server refuses to run as root.
        user = pwd.getpwnam("postgres")
        os.chown(data, user.pw_uid, user.pw_gid)
        as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    subprocess.run([found[-1] / "initdb", "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync",
                    "--locale", "C"], check=True, stdout=sys.stderr, cwd=data, **as_user)
    children.append(subprocess.Popen(
        [found[-1] / "postgres", "-D", data, "-p", str(port), "-c", "listen_addresses=127.0.0.1",
         "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200"],
        stdout=sys.stderr, cwd=data, **as_user))
    wait_for(port)
    announce(port)
    threading.Event().wait()


class States(BaseHTTPRequestHandler):
    """States behind HTTP as Terraform defines it: every path is a state of its own, PATH/lock is its lock."""

    protocol_version = "HTTP/1.1"
    guard = threading.Lock()
    states = {}
    locks = {}

    def log_message(self, *_):
        pass

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read(self):
        url = urllib.parse.urlparse(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return url.path.removesuffix("/lock"), urllib.parse.parse_qs(url.query), body

    def do_GET(self):
        path, _, _ = self.read()
        with self.guard:
            state = self.states.get(path)
        self.answer(200, state) if state is not None else self.answer(404)

    def do_POST(self):
        path, query, body = self.read()
        if base64.b64encode(hashlib.md5(body).digest()).decode() != self.headers.get("Content-MD5"):
            return self.answer(400)
        with self.guard:
            lock = self.locks.get(path)
            if lock is not None and json.loads(lock)["ID"] != (query.get("ID") or [""])[0]:
                return self.answer(423, lock)
            self.states[path] = body
        self.answer(200)

    def do_DELETE(self):
        path, _, _ = self.read()
        with self.guard:
            self.states.pop(path, None)
        self.answer(200)

    def do_LOCK(self):
        path, _, body = self.read()
        with self.guard:
            lock = self.locks.setdefault(path, body)
        self.answer(200) if lock == body else self.answer(423, lock)

    def do_UNLOCK(self):
        path, _, body = self.read()
        with self.guard:
            lock = self.locks.get(path)
            if lock is not None and json.loads(lock)["ID"] != json.loads(body)["ID"]:
                return self.answer(409, lock)
            self.locks.pop(path, None)
        self.answer(200)


def http():
    server = ThreadingHTTPServer(("127.0.0.1", 0), States)
    server.daemon_threads = True
    announce(server.server_port)
    server.serve_forever()


class Storage(BaseHTTPRequestHandler):
    """Google Cloud Storage's XML interface in front of an emulator that has the JSON interface only."""

    protocol_version = "HTTP/1.1"
    emulator = None

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def ask(self, method, path, body=None):
        request = urllib.request.Request(self.emulator + path, method=method, data=body,
                                         headers={"Content-Type": "application/octet-stream"})
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def parts(self):
        url = urllib.parse.urlparse(self.path)
        bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in urllib.parse.parse_qs(url.query).items()}
        return bucket, key, query, self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def headers_of(self, item):
        return {"ETag": '"%s"' % item.get("etag", item["generation"]), "x_goog_generation": str(item["generation"]),
                "Last_Modified": formatdate(usegmt=True)}

    def do_GET(self):
        bucket, key, query, _ = self.parts()
        if not key:
            return self.listing(bucket, query)
        path = f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}"
        status, item = self.ask("GET", path)
        if status != 200:
            return self.answer(status)
        _, body = self.ask("GET", path + "?alt=media")
        self.answer(200, body, **self.headers_of(json.loads(item)))

    do_HEAD = do_GET

    def listing(self, bucket, query):
        wanted = {name: query[name] for name in ("prefix", "delimiter") if name in query}
        _, found = self.ask("GET", f"/storage/v1/b/{bucket}/o?{urllib.parse.urlencode(wanted)}")
        found = json.loads(found)
        text = "<ListBucketResult><IsTruncated>false</IsTruncated>"
        for item in found.get("items", []):
            text += (f"<Contents><Key>{item['name']}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
                     f"<ETag>x</ETag><Size>{item.get('size', 0)}</Size></Contents>")
        for prefix in found.get("prefixes", []):
            text += f"<CommonPrefixes><Prefix>{prefix}</Prefix></CommonPrefixes>"
        self.answer(200, (text + "</ListBucketResult>").encode(), Content_Type="application/xml")

    def do_PUT(self):
        bucket, key, _, body = self.parts()
        name = urllib.parse.quote(key, safe="")
        status, item = self.ask("POST", f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}", body)
        if status != 200:
            return self.answer(status, item)
        self.answer(200, **self.headers_of(json.loads(item)))

    def do_DELETE(self):
        bucket, key, _, _ = self.parts()
        status, _ = self.ask("DELETE", f"/storage/v1/b/{bucket}/o/{urllib.parse.quote(key, safe='')}")
        self.answer(204 if status < 300 else status)


def gcs():
    """An emulator of Google Cloud Storage with the bucket "states"."""
    from gcp_storage_emulator.server import create_server

    port = free_port()
    create_server("127.0.0.1", port, in_memory=True, default_bucket="states").start()
    wait_for(port)
    Storage.emulator = f"http://127.0.0.1:{port}"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Storage)
    server.daemon_threads = True
    announce(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    {"azurite": azurite, "postgres": postgres, "http": http, "gcs": gcs}[sys.argv[1]]()
