#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenonctl's file verbs: against hostile stand-ins, and against our own agent when it is built."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import time
import unittest

from ctl import CTL, Case, FakeAgent, ctl, line

def b64(data):
    return base64.b64encode(data).decode()


def unknown(request):
    return line({"error": {"class": "CommandNotFound",
                           "desc": "The command %s has not been found" % request["execute"]}})


class Hostile(Case):
    def tree(self, entries, files=()):
        """An agent whose every directory holds ENTRIES."""
        def script(agent, request):
            name, args = request["execute"], request.get("arguments", {})
            if name == "tenon-file-stat":
                kind = "directory" if args["path"] == "/d" else \
                    next((e.get("type") for e in entries
                          if args["path"].endswith("/" + str(e.get("name")))), "file")
                return line({"return": {"type": kind, "size": 4, "mode": 0o6777, "version": "v",
                                        "mtime-ns": 10 ** 18, "target": self.target}})
            if name == "tenon-file-list":
                return line({"return": {"entries": entries if args["path"] == "/d" else list(files),
                                        "more": False}})
            if name == "tenon-file-get":
                return line({"return": {"size": 4, "version": "v", "count": 4,
                                        "buf-b64": b64(b"evil"), "eof": True}})
            return unknown(request)
        return self.fake(script)

    def setUp(self):
        self.dir = self.scratch()
        self.target = self.dir + "/outside"
        os.mkdir(self.target)

    def test_names(self):
        entries = [{"name": name, "type": "file"} for name in
                   ("../escape", "/abs", "..", ".", "", "a/b", "good")]
        entries += [{"type": "file"}, {"name": 5, "type": "file"}, {"name": "x", "type": "socket"},
                    {"name": "raw", "name-b64": "/w==", "type": "file"}]
        agent = self.tree(entries)
        result = ctl("cp", "-r", agent.endpoint + ":/d", self.dir + "/t")
        self.check(result, 3, err="1 copied, 10 left out")
        self.assertEqual(os.listdir(self.dir + "/t"), ["good"])
        self.assertEqual(sorted(os.listdir(self.dir)), ["outside", "t"])
        # A guest's file is never set-id here.
        self.assertEqual(os.stat(self.dir + "/t/good").st_mode & 0o7777, 0o777)

    def test_link_first(self):
        """A link and then a directory of its name: nothing may be written through the link."""
        agent = self.tree([{"name": "x", "type": "link"}, {"name": "x", "type": "directory"}],
                          files=[{"name": "f", "type": "file"}])
        ctl("cp", "-r", agent.endpoint + ":/d", self.dir + "/t")
        self.assertEqual(os.listdir(self.target), [])
        # The link that an earlier copy has made is not followed either.
        os.makedirs(self.dir + "/u")
        os.symlink(self.target, self.dir + "/u/y")
        agent = self.tree([{"name": "y", "type": "directory"}],
                          files=[{"name": "f", "type": "file"}])
        ctl("cp", "-r", agent.endpoint + ":/d", self.dir + "/u")
        self.assertEqual(os.listdir(self.target), [])

    def test_pieces(self):
        """Pieces that are too long, empty, or endless."""
        for reply in ({"buf-b64": b64(b"x" * (2 << 20)), "eof": False}, {"eof": False},
                      {"buf-b64": "", "size": 10, "eof": False}, {"buf-b64": "*", "eof": True}, [],
                      5):
            agent = self.fake(lambda agent, request, reply=reply: line({"return": reply}))
            result = ctl("cat", agent.endpoint + ":/x")
            self.check(result, 125, out=b"")

    def test_short_pieces(self):
        """An agent that gives less than it was asked for: no gap, nothing doubled."""
        data = os.urandom(300000)

        def script(agent, request):
            args = request["arguments"]
            piece = data[args["offset"]:][:min(args["count"], 70001)]
            return line({"return": {"size": len(data), "version": "v", "count": len(piece),
                                    "buf-b64": b64(piece),
                                    "eof": args["offset"] + len(piece) >= len(data)}})
        self.check(ctl("cat", self.fake(script).endpoint + ":/x"), 0, out=data)

    def test_lost_connection(self):
        data = os.urandom(5000000)
        count = [0]

        def script(agent, request):
            args = request.get("arguments", {})
            if request["execute"] == "guest-ping":
                return line({"return": {}})
            count[0] += 1
            if request["execute"] == "tenon-file-stat":
                return line({"return": {"type": "file", "size": len(data), "mode": 0o644,
                                        "mtime-ns": 10 ** 18, "version": "v"}})
            piece = data[args["offset"]:][:args["count"]]
            reply = line({"return": {"size": len(data), "version": "v", "count": len(piece),
                                     "buf-b64": b64(piece),
                                     "eof": args["offset"] + len(piece) >= len(data)}})
            if count[0] % 3 == 0:
                raise FakeAgent.Hangup(reply[:1000])
            self.assertIn(args.get("version"), ("v", None))
            return reply
        self.check(ctl("cp", self.fake(script).endpoint + ":/x", self.dir + "/x", limit=60), 0)
        with open(self.dir + "/x", "rb") as file:
            self.assertEqual(file.read(), data)
        self.assertEqual(int(os.stat(self.dir + "/x").st_mtime), 10 ** 9)

    def test_close_without_an_answer(self):
        """The agent renamed and its reply was lost: the file in place is looked at, not sent again."""
        data = os.urandom(3000)
        with open(self.dir + "/source", "wb") as out:
            out.write(data)
        opened = []

        def script(agent, request):
            name, args = request["execute"], request.get("arguments", {})
            if name == "tenon-file-put-open":
                opened.append(args)
                if "resume" in args:
                    return line({"error": {"class": "GenericError", "desc": "no such upload"}})
                return line({"return": {"upload": 1, "token": args["token"], "offset": 0}})
            if name == "tenon-file-put":
                return line({"return": {"offset": args["offset"] + len(data)}})
            if name == "tenon-file-put-close":
                raise FakeAgent.Hangup()
            if name == "tenon-file-hash":
                return line({"return": {"sha256": hashlib.sha256(data).hexdigest(),
                                        "size": len(data)}})
            return line({"return": {}})
        self.check(ctl("cp", "--checksum", self.dir + "/source", self.fake(script).endpoint + ":/x",
                       limit=60), 0)
        self.assertEqual(len(opened), 2, opened)
        self.assertEqual(opened[1]["resume"], opened[0]["token"])

    def test_nothing_left_behind(self):
        agent = self.fake(lambda agent, request: line(
            {"error": {"class": "GenericError", "desc": "no", "reason": "policy-denied"}}))
        self.check(ctl("cp", agent.endpoint + ":/x", self.dir + "/x"), 126)
        self.check(ctl("cp", CTL, agent.endpoint + ":/x"), 126)
        self.assertEqual(os.listdir(self.dir), ["outside"])

    def test_usage(self):
        for args in (["cp", "/a", "/b"], ["cp", "unix:/s:/a", "unix:/s:/b"], ["cat", "/x"],
                     ["cat", "unix:/s"], ["fs", "ls"], ["fs", "nope", "unix:/s:/x"],
                     ["fs", "mv", "unix:/s:/x"], ["put", "--mode", "9", "unix:/s:/x"],
                     ["cp", "--mode", "rw", "/a", "unix:/s:/x"]):
            self.assertEqual(ctl(*args).code, 2, args)


class Tenon(Case):
    def setUp(self):
        self.endpoint = self.tenond("tenon-file-put")
        self.files = os.path.join(self.dir, "files")
        os.mkdir(self.files)

    def make(self, name, size, mode=0o640):
        path = os.path.join(self.files, name)
        with open(path, "wb") as file:
            file.write(os.urandom(size))
        os.chmod(path, mode)
        os.utime(path, ns=(10 ** 18, 10 ** 18 + 123456789))
        return path

    def same(self, one, other):
        with open(one, "rb") as file, open(other, "rb") as another:
            self.assertEqual(hashlib.sha256(file.read()).digest(),
                             hashlib.sha256(another.read()).digest())
        one, other = os.stat(one), os.stat(other)
        self.assertEqual(one.st_mode, other.st_mode)
        self.assertEqual(one.st_mtime_ns, other.st_mtime_ns)

    def guest(self, name):
        return "%s:%s" % (self.endpoint, os.path.join(self.files, name))

    def test_copies(self):
        for size in (0, 1, 1 << 20, (5 << 20) + 3):
            source = self.make("a", size)
            for options in ([], ["--checksum"], ["--resume"]):
                self.check(ctl("cp", *options, source, self.guest("b"), limit=60), 0)
                self.same(source, os.path.join(self.files, "b"))
                self.check(ctl("cp", *options, self.guest("b"), os.path.join(self.files, "c"),
                               limit=60), 0)
                self.same(source, os.path.join(self.files, "c"))
        self.assertEqual(sorted(os.listdir(self.files)), ["a", "b", "c"])

    def test_into_directories(self):
        source = self.make("a", 10)
        os.mkdir(os.path.join(self.files, "d"))
        self.check(ctl("cp", source, self.guest("d")), 0)
        self.check(ctl("cp", self.guest("a"), os.path.join(self.files, "d") + "/"), 0)
        self.same(source, os.path.join(self.files, "d", "a"))
        self.check(ctl("cp", "-n", source, self.guest("d")), 1, err="exists")
        self.check(ctl("cp", "-n", self.guest("a"), os.path.join(self.files, "d")), 1,
                   err="is there already")
        self.check(ctl("cp", self.guest("d"), self.dir + "/x"), 1, err="use -r")
        self.check(ctl("cp", "--mode", "0600", source, self.guest("e")), 0)
        self.assertEqual(os.stat(os.path.join(self.files, "e")).st_mode & 0o7777, 0o600)

    def test_trees(self):
        tree = os.path.join(self.files, "tree")
        os.makedirs(tree + "/sub/empty")
        os.chmod(tree + "/sub", 0o750)
        for index in range(30):
            self.make("tree/sub/f%d" % index, index * 100)
        self.check(ctl("cp", "-r", tree, self.guest("up"), limit=60), 0)
        os.symlink("sub/f1", tree + "/link")
        self.check(ctl("cp", "-r", self.guest("tree"), os.path.join(self.files, "down"), limit=60),
                   0)
        for copy in ("up", "down"):
            for index in range(30):
                self.same("%s/sub/f%d" % (tree, index),
                          os.path.join(self.files, copy, "sub", "f%d" % index))
            self.assertTrue(os.path.isdir(os.path.join(self.files, copy, "sub", "empty")))
        self.assertEqual(os.readlink(os.path.join(self.files, "down", "link")), "sub/f1")
        self.assertEqual(os.stat(os.path.join(self.files, "down", "sub")).st_mode & 0o777, 0o750)

    def test_put_cat(self):
        data = os.urandom(3 << 20)
        self.check(ctl("put", "--mode", "0640", self.guest("x"), stdin=data), 0)
        self.check(ctl("cat", self.guest("x")), 0, out=data)
        self.assertEqual(os.stat(os.path.join(self.files, "x")).st_mode & 0o777, 0o640)
        self.check(ctl("put", "--checksum", self.guest("x"), stdin=b""), 0)
        self.check(ctl("cat", self.guest("x")), 0, out=b"")
        self.check(ctl("cat", self.guest("nope")), 1, err="No such file or directory")
        self.check(ctl("cat", self.guest(".")), 1)

    def test_fs(self):
        source = self.make("a", 5)
        rows = ctl("fs", "ls", self.guest("")).out.decode()
        self.assertRegex(rows, r"file +0640 +5 +2001-09-09 01:46:40 +a\n")
        self.assertEqual(json.loads(ctl("fs", "stat", "-o", "json", self.guest("a")).out)["size"],
                         5)
        with open(source, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertIn(digest.encode(), ctl("fs", "sha256", self.guest("a")).out)
        self.check(ctl("fs", "mkdir", "-p", self.guest("d/e/f")), 0)
        self.check(ctl("fs", "mkdir", self.guest("d")), 1, err="exists")
        self.check(ctl("fs", "mv", self.guest("a"), self.guest("d/a")), 0)
        self.check(ctl("fs", "mv", self.guest("d/a"), os.path.join(self.files, "b")), 0)
        self.check(ctl("fs", "rm", self.guest("d")), 1)
        self.check(ctl("fs", "rm", "-r", self.guest("d")), 0)
        self.assertEqual(os.listdir(self.files), ["b"])
        self.check(ctl("fs", "mv", self.guest("b"), "unix:/other:/b"), 2)

    def test_killed_copies(self):
        """The agent is killed and comes back, again and again, under one copy."""
        source = self.make("a", 30 << 20)
        copy = subprocess.Popen([CTL, "cp", "--checksum", source, self.guest("b")],
                                stderr=subprocess.PIPE)
        for _ in range(4):
            time.sleep(0.15)
            self.stop_tenond()
            self.start_tenond()
        _, err = copy.communicate(timeout=100)
        self.assertEqual(copy.returncode, 0, err)
        self.same(source, os.path.join(self.files, "b"))
        self.assertEqual(sorted(os.listdir(self.files)), ["a", "b"])

    def test_resumed_copies(self):
        """tenonctl is killed in the middle; with --resume another one goes on."""
        cache = dict(os.environ, XDG_CACHE_HOME=self.dir)
        source = self.make("a", 20 << 20)
        for target, args in (("b", [source, self.guest("b")]),
                             ("c", [self.guest("a"), os.path.join(self.files, "c")])):
            for _ in range(3):
                run = subprocess.Popen([CTL, "cp", "--resume", *args], env=cache)
                time.sleep(0.1)
                run.send_signal(signal.SIGKILL)
                run.wait()
            self.check(ctl("cp", "--resume", "--checksum", *args, env=cache, limit=60), 0)
            self.same(source, os.path.join(self.files, target))
        self.assertEqual(sorted(os.listdir(self.files)), ["a", "b", "c"])


if __name__ == "__main__":
    unittest.main(warnings="ignore")
