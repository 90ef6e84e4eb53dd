# SPDX-License-Identifier: Apache-2.0
"""What the tests of tenonctl share: running it, and agents that follow a script."""

import json
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

TENOND = os.environ.get("TENOND", "")
CTL = os.environ.get("TENONCTL", "tenonctl")


class Result:
    def __init__(self, code, out, err, seconds):
        self.code = code
        self.out = out
        self.err = err
        self.seconds = seconds


def ctl(*args, stdin=b"", limit=20, env=None):
    """Runs tenonctl; a run beyond LIMIT seconds is an error of the test."""
    start = time.monotonic()
    run = subprocess.run([CTL, *args], input=stdin, capture_output=True, timeout=limit, env=env)
    return Result(run.returncode, run.stdout, run.stderr.decode("utf-8", "replace"),
                  time.monotonic() - start)


def line(value):
    return json.dumps(value).encode() + b"\n"


class FakeAgent:
    """Serves connections on a unix socket, one after the other. SCRIPT(agent, request) returns the
    bytes to send for a request, None to say nothing, or raises Hangup."""

    class Hangup(Exception):
        def __init__(self, last=b""):
            super().__init__()
            self.last = last

    def __init__(self, script, greeting=b"", sync=None):
        self.dir = tempfile.mkdtemp(prefix="tenonctl-")
        self.path = os.path.join(self.dir, "agent.sock")
        self.script = script
        self.greeting = greeting
        self.sync = sync
        self.requests = []
        self.raw = b""
        self.peer = None
        self.pending = b""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(self.path)
        self.socket.listen(4)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    @property
    def endpoint(self):
        return "unix:" + self.path

    def answer(self, request):
        if request["execute"] == "guest-sync-delimited":
            if self.sync is not None:
                return self.sync(request)
            return b"\xff" + line({"return": request["arguments"]["id"]})
        self.requests.append(request)
        return self.script(self, request)

    def hurry(self):
        """TRUE when the peer has sent more, or has gone: a held answer should come now."""
        return b"\n" in self.pending or bool(select.select([self.peer], [], [], 0)[0])

    def serve_one(self, peer):
        self.peer = peer
        if self.greeting:
            peer.sendall(self.greeting)
        self.pending = b""
        while True:
            data = peer.recv(1 << 20)
            if not data:
                return
            self.raw += data
            self.pending += data
            while b"\n" in self.pending:
                text, self.pending = self.pending.split(b"\n", 1)
                reply = self.answer(json.loads(text.lstrip(b"\xff")))
                if reply is not None:
                    peer.sendall(reply)

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                try:
                    self.serve_one(peer)
                except FakeAgent.Hangup as hangup:
                    if hangup.last:
                        peer.sendall(hangup.last)
                except OSError:
                    pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        shutil.rmtree(self.dir)


class Case(unittest.TestCase):
    def tenond(self, command):
        """Starts our own agent and returns its endpoint; skips where it is not built or does not
        know COMMAND."""
        if not TENOND:
            self.skipTest("tenond is not built")
        self.dir = self.scratch()
        self.state = os.path.join(self.dir, "state")
        os.mkdir(self.state)
        self.path = os.path.join(self.dir, "s")
        self.daemon = None
        self.addCleanup(self.stop_tenond)
        self.start_tenond()
        endpoint = "unix:" + self.path
        info = ctl("raw", "--wait-agent=10s", endpoint, '{"execute": "guest-info"}')
        if ('"%s"' % command).encode() not in info.out:
            self.skipTest("this tenond has no " + command)
        return endpoint

    def start_tenond(self):
        self.daemon = subprocess.Popen([TENOND, "--policy=preset:compat", "-m", "unix-listen", "-p",
                                        self.path, "-t", self.state], stderr=subprocess.DEVNULL)

    def stop_tenond(self):
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
            self.daemon = None

    def fake(self, script, **options):
        agent = FakeAgent(script, **options)
        self.addCleanup(agent.close)
        return agent

    def scratch(self):
        path = tempfile.mkdtemp(prefix="tenonctl-")
        self.addCleanup(shutil.rmtree, path)
        return path

    def check(self, result, code, out=None, err=None):
        self.assertEqual(result.code, code, result.err)
        if out is not None:
            self.assertEqual(result.out, out)
        if err is not None:
            self.assertIn(err, result.err)
