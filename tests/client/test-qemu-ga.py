#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenonctl against the distribution's qemu-ga; skips aloud where there is none."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import unittest

from ctl import Case, ctl

QEMU_GA = shutil.which("qemu-ga", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Stock(Case):
    def setUp(self):
        self.dir = self.scratch()
        self.path = os.path.join(self.dir, "qga.sock")
        self.agent = subprocess.Popen([QEMU_GA, "-m", "unix-listen", "-p", self.path, "-t",
                                       self.dir], stderr=subprocess.DEVNULL)
        self.addCleanup(self.stop)
        self.endpoint = "unix:" + self.path
        deadline = time.monotonic() + 5
        while not os.path.exists(self.path) and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self):
        self.agent.kill()
        self.agent.wait()

    def test_ping_info(self):
        self.check(ctl("ping", "--wait-agent=5s", self.endpoint), 0)
        self.assertIn("guest-exec", ctl("raw", self.endpoint, '{"execute": "guest-info"}')
                      .out.decode())
        self.assertIn("version", json.loads(ctl("info", "-o", "json", self.endpoint).out)["agent"])
        self.check(ctl("info", self.endpoint), 0)

    def test_exec(self):
        result = ctl("exec", self.endpoint, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
        self.check(result, 7, out=b"out\n")
        self.assertEqual(result.err, "err\n")
        self.check(ctl("exec", self.endpoint, "--", "sh", "-c", "kill -9 $$"), 137, out=b"")
        self.check(ctl("exec", self.endpoint, "--", "/nonexistent/x"), 127,
                   err="No such file or directory")
        self.check(ctl("exec", self.endpoint, "--", "/etc/passwd"), 126, err="Permission denied")
        result = ctl("exec", self.endpoint, "--", "sh", "-c", "head -c 3000000 /dev/zero")
        self.check(result, 0)
        self.assertEqual(len(result.out), 3000000)

    def test_timeout(self):
        result = ctl("exec", "--timeout", "300ms", self.endpoint, "--", "sleep", "2")
        self.check(result, 124, err="goes on in the guest")

    def test_files(self):
        data = os.urandom(2500000)
        source = os.path.join(self.dir, "a")
        guest = "%s:%s/" % (self.endpoint, self.dir)
        with open(source, "wb") as file:
            file.write(data)
        self.check(ctl("cp", source, guest + "b"), 0, err="no tenon-file-put")
        self.check(ctl("cp", "-q", guest + "b", source + "c"), 0)
        self.check(ctl("cat", guest + "b"), 0, out=data)
        with open(source + "c", "rb") as file:
            self.assertEqual(file.read(), data)
        self.check(ctl("put", guest + "d", stdin=b"x"), 0)
        self.check(ctl("cat", guest + "d"), 0, out=b"x")
        self.check(ctl("cp", "-n", source, guest + "b"), 127)
        self.check(ctl("cp", "--strict", source, guest + "b"), 3)
        self.check(ctl("cat", guest + "nope"), 1, err="No such file or directory")
        self.check(ctl("fs", "ls", guest), 127)

    def test_stdin(self):
        result = ctl("exec", "-i", self.endpoint, "--", "cat", stdin=b"in\n" * 1000)
        self.check(result, 0, out=b"in\n" * 1000, err="no jobs")
        self.check(ctl("exec", "-i", "--strict", self.endpoint, "--", "cat"), 127)
        self.check(ctl("exec", "--user", "x", self.endpoint, "--", "cat"), 127)
        self.check(ctl("run", self.endpoint, "-", "--", "a", stdin=b"echo $1; exit 3"), 3,
                   out=b"a\n")
        self.assertGreater(int(ctl("exec", "-q", "-d", self.endpoint, "--", "true").out), 1)
        self.check(ctl("jobs", self.endpoint), 127)

    def test_stale_half_request(self):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.path)
            peer.sendall(b'{"execute": "guest-ping"}{"execute": "guest-in')
        self.check(ctl("ping", self.endpoint), 0)

    def test_busy(self):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(self.path)
            peer.sendall(b'{"execute": "guest-ping"}')
            peer.recv(100)
            result = ctl("ping", "--connect-timeout", "300ms", self.endpoint)
            self.check(result, 125, err="did not answer within 300 ms")
        self.check(ctl("ping", self.endpoint), 0)


if __name__ == "__main__":
    if QEMU_GA is None:
        print("SKIP: qemu-ga is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main(warnings="ignore")
