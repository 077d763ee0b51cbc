"""Lambda's Runtime API for one process, with a clock: starts it, hands it events one at a time, and notes when it asked and answered.

Time is taken where a request arrives and where an answer leaves, so that what happens in between here does not count.
"""

import json
import os
import queue
import signal
import socket
import threading
import time
import uuid
from pathlib import Path

import http_messages

DEADLINE_SECONDS = 30


class Failed(Exception):
    """The process did not answer as it should."""


class Measured:
    """One process from its start to its end. Use as a context."""

    def __init__(self, command, environment, folder):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.arrived = queue.Queue()
        self.waiting = None
        threading.Thread(target=self._accept, daemon=True).start()
        address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.output = Path(folder) / "output.txt"
        files = [
            (os.POSIX_SPAWN_OPEN, 1, str(self.output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        environment = {**environment, "AWS_LAMBDA_RUNTIME_API": address}
        self.start = time.perf_counter()
        self.pid = os.posix_spawn(command[0], command, environment, file_actions=files, setpgroup=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.listener.close()

    def ready(self):
        """Seconds from the start to the first request for an event."""
        moment, kind, _ = self._next()
        if kind != "next":
            raise Failed(f"{kind} instead of a request for an event")
        return moment - self.start

    def invoke(self, event):
        """Seconds from the event to the answer, and the answer. The process has asked for an event before."""
        connection, self.waiting = self.waiting, None
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + DEADLINE_SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:measured",
            "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
        }
        message = http_messages.response("200 OK", json.dumps(event).encode(), headers)
        start = time.perf_counter()
        connection.sendall(message)
        moment, kind, body = self._next()
        if kind != "response":
            raise Failed(f"{kind} instead of an answer: {body[:500]}")
        if self._next()[1] != "next":
            raise Failed("no request for another event")
        return moment - start, json.loads(body)

    def cpu(self):
        """Seconds of processor time of all its threads."""
        stats = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(stat.read_text().split()[0]) for stat in stats) / 1e9

    def peak_mb(self):
        """The most memory it had: VmHWM, since ru_maxrss is handed on by whoever started it."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

    def _next(self):
        try:
            return self.arrived.get(timeout=DEADLINE_SECONDS)
        except queue.Empty:
            raise Failed(f"nothing in {DEADLINE_SECONDS} s; it wrote: {self.output.read_text()[-2000:]}") from None

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            for line, _, body in http_messages.read_all(connection):
                moment = time.perf_counter()
                kind = line.split()[1].rpartition("/")[2]
                if kind == "next":
                    self.waiting = connection
                else:
                    accepted = http_messages.response("202 Accepted", b'{"status":"OK"}', {})
                    connection.sendall(accepted)
                self.arrived.put((moment, kind, body))
        except OSError:
            pass  # The process has ended.
