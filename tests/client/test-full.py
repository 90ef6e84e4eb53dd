#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A full disk: the write or the copy says so, the old file stays, nothing is left over. The disk is
a small tmpfs that only the agent sees."""

import base64
import json
import os
import subprocess
import unittest

from ctl import TENOND, Case, ctl

ALONE = ["unshare", "--mount", "--propagation", "private"]


class Full(Case):
    def start_tenond(self):
        self.disk = os.path.join(self.dir, "disk")
        os.makedirs(self.disk, exist_ok=True)
        script = 'mount -t tmpfs -o size=2m none "$0" && exec "$@"'
        if subprocess.run([*ALONE, "sh", "-c", script, self.disk, "true"],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespace here")
        self.daemon = subprocess.Popen(
            [*ALONE, "sh", "-c", script, self.disk, TENOND, "--policy=preset:compat", "-m",
             "unix-listen", "-p", self.path, "-t", self.state], stderr=subprocess.DEVNULL)

    def setUp(self):
        self.endpoint = self.tenond("tenon-file-put")
        self.file = self.endpoint + ":" + self.disk + "/file"

    def send(self, command, **arguments):
        result = ctl("raw", self.endpoint, json.dumps({"execute": command, "arguments": arguments}))
        reply = json.loads(result.out) if result.out.startswith(b"{") else {}
        return result, reply.get("return", reply)

    def test_copies(self):
        source = os.path.join(self.dir, "big")
        with open(source, "wb") as file:
            file.write(os.urandom(5 << 20))
        self.check(ctl("put", self.file, stdin=b"old"), 0)
        self.check(ctl("cp", source, self.file), 1, err="No space left on device")
        self.check(ctl("cat", self.file), 0, out=b"old")
        rows = ctl("fs", "ls", self.endpoint + ":" + self.disk).out.decode().splitlines()
        self.assertEqual([row.split()[-1] for row in rows], ["NAME", "file"])
        self.assertEqual(os.listdir(os.path.join(self.state, "uploads")), [])

    def test_writes(self):
        """The write itself tells, what it had taken is there; a close after it does no harm, and frees
        the handle once."""
        _, handle = self.send("guest-file-open", path=self.disk + "/file", mode="w")
        piece = base64.b64encode(bytes(64 << 10)).decode()
        taken = 0
        for _ in range(40):
            result, reply = self.send("guest-file-write", handle=handle, **{"buf-b64": piece})
            if result.code != 0:
                break
            taken += reply["count"]
        self.assertIn("No space left on device", result.err + result.out.decode())
        self.check(self.send("guest-file-close", handle=handle)[0], 0)
        self.assertGreater(taken, 0)
        self.assertGreaterEqual(len(ctl("cat", self.file).out), taken)
        result, _ = self.send("guest-file-close", handle=handle)
        self.assertIn("has not been found", result.err + result.out.decode())


if __name__ == "__main__":
    unittest.main(warnings="ignore")
