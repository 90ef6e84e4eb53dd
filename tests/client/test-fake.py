#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenonctl against agents that follow a script: hostile, broken, slow and plain ones."""

import base64
import json
import os
import re
import socket
import stat
import threading
import time
import unittest

from ctl import Case, FakeAgent, ctl, line


def b64(data):
    return base64.b64encode(data).decode()


def not_found(request):
    return line({"error": {"class": "CommandNotFound",
                           "desc": "The command %s has not been found" % request["execute"]}})


def runner(status, polls=0):
    """A stock agent that runs one program; STATUS is what its end looks like."""
    left = [polls]

    def script(agent, request):
        if request["execute"] == "guest-exec":
            return line({"return": {"pid": 4711}})
        if request["execute"] == "guest-exec-status":
            if left[0] > 0:
                left[0] -= 1
                return line({"return": {"exited": False}})
            return line({"return": status})
        return not_found(request)
    return script


def asked(agent, name):
    return [r for r in agent.requests if r["execute"] == name]


class Exec(Case):
    def test_streams_and_code(self):
        agent = self.fake(runner({"exited": True, "exitcode": 7, "out-data": b64(b"out\n\x00\xff"),
                                  "err-data": b64(b"err\n")}, polls=3))
        result = ctl("exec", "-q", "-e", "A=1", agent.endpoint, "--env", "B=2", "--", "prog", "-x", "--",
                     "é\n")
        self.check(result, 7, out=b"out\n\x00\xff")
        self.assertEqual(result.err, "err\n")
        start = asked(agent, "guest-exec")[0]["arguments"]
        self.assertEqual(start["path"], "prog")
        self.assertEqual(start["arg"], ["-x", "--", "é\n"])
        self.assertEqual(start["env"], ["A=1", "B=2"])
        self.assertEqual(len(asked(agent, "guest-exec-status")), 4)
        self.assertNotIn(b"\xc3", agent.raw)

    def test_signal(self):
        agent = self.fake(runner({"exited": True, "signal": 9, "exitcode": 137}))
        self.check(ctl("exec", agent.endpoint, "--", "prog"), 137, out=b"")

    def test_json(self):
        agent = self.fake(runner({"exited": True, "exitcode": 1, "out-data": b64(b"\xff"),
                                  "err-data": b64(b"e\n"), "err-truncated": True}))
        result = ctl("exec", "-o", "json", agent.endpoint, "--", "prog")
        self.assertEqual(result.code, 1)
        value = json.loads(result.out)
        self.assertEqual(value["exit-code"], 1)
        self.assertIsNone(value["signal"])
        self.assertEqual(value["out"]["b64"], b64(b"\xff"))
        self.assertEqual(value["err"]["text"], "e\n")
        self.assertTrue(value["err"]["truncated"])

    def test_truncated(self):
        status = {"exited": True, "exitcode": 0, "out-data": b64(b"x"), "out-truncated": True}
        agent = self.fake(runner(status))
        self.check(ctl("exec", agent.endpoint, "--", "p"), 0, out=b"x", err="cut")
        self.check(ctl("exec", "--strict", "-o", "json", agent.endpoint, "--", "p"), 125,
                   err='"truncated"')

    def test_timeout(self):
        agent = self.fake(runner({}, polls=10 ** 6))
        result = ctl("exec", "--timeout", "0.5s", agent.endpoint, "--", "sleep", "9")
        self.check(result, 124, err="timed out after 500 ms; pid 4711 goes on in the guest")
        self.assertLess(result.seconds, 2)
        # A growing pause: 0.5 s are a dozen questions, not a thousand.
        self.assertLess(len(asked(agent, "guest-exec-status")), 20)
        result = ctl("exec", "-o", "json", "--timeout", "100ms", agent.endpoint, "--", "sleep")
        self.assertEqual(json.loads(result.err)["error"]["code"], 124)
        self.assertEqual(json.loads(result.err)["error"]["reason"], "timeout")

    def check_start(self, error, code, reason):
        agent = self.fake(lambda agent, request: line({"error": error}))
        result = ctl("exec", "-o", "json", agent.endpoint, "--", "prog")
        self.assertEqual(result.code, code)
        failure = json.loads(result.err)["error"]
        self.assertEqual(failure["code"], code)
        self.assertEqual(failure["reason"], reason)
        self.assertEqual(failure["message"], error["desc"])

    def test_start_failures(self):
        generic = "GenericError"
        self.check_start({"class": generic, "desc":
                          "Failed to execute child process “p” (No such file or directory)"},
                         127, "not-found")
        self.check_start({"class": generic, "desc":
                          "Failed to execute child process “p” (Permission denied)"},
                         126, "not-executable")
        self.check_start({"class": "CommandNotFound", "desc":
                          "Command guest-exec has been disabled: the command is not allowed"},
                         126, "command-disabled")
        self.check_start({"class": "CommandNotFound", "desc":
                          "The command guest-exec has not been found"}, 127, "not-found")
        self.check_start({"class": generic, "desc": "no", "reason": "policy-denied"},
                         126, "policy-denied")

    def test_senseless_replies(self):
        for reply in ({"return": {}}, {"return": {"pid": 0}}, {"return": {"pid": -5}},
                      {"return": {"pid": "7"}}, {"return": 1}, {"return": []}, {"hello": 1}, [1]):
            agent = self.fake(lambda agent, request, reply=reply: line(reply))
            result = ctl("exec", "-o", "json", agent.endpoint, "--", "p")
            self.check(result, 125, out=b"", err='"protocol"')
        for status in ({}, {"exited": 1}, {"exited": True}, {"exited": True, "exitcode": 256},
                       {"exited": True, "exitcode": -1}, {"exited": True, "signal": 65},
                       {"exited": True, "exitcode": 0, "out-data": "a*b="},
                       {"exited": True, "exitcode": 0, "out-data": 5}):
            agent = self.fake(runner(status))
            result = ctl("exec", "-o", "json", agent.endpoint, "--", "p")
            self.check(result, 125, out=b"", err='"protocol"')

    def test_usage(self):
        for args in (["exec"], ["exec", "unix:/x"], ["exec", "unix:/x", "--"],
                     ["exec", "unix:/x", "prog"], ["exec", "/x", "--", "p"],
                     ["exec", "-e", "X", "unix:/x", "--", "p"],
                     ["exec", "-e", "=X", "unix:/x", "--", "p"],
                     ["exec", "--nope", "unix:/x", "--", "p"],
                     ["exec", "--timeout", "soon", "unix:/x", "--", "p"],
                     ["exec", "--timeout", "0", "unix:/x", "--", "p"],
                     ["exec", "-o", "xml", "unix:/x", "--", "p"],
                     [], ["nope"], ["ping"], ["ping", "unix:/x", "more"], ["raw", "unix:/x"],
                     ["raw", "unix:/x", "{"], ["raw", "unix:/x", "[]"],
                     ["ping", "unix:" + "x" * 200]):
            result = ctl(*args)
            self.assertEqual(result.code, 2, args)
            self.assertTrue(result.err.startswith("tenonctl: "), result.err)
        agent = self.fake(runner({}))
        self.check(ctl("exec", agent.endpoint, "--", b"\xff"), 2, err="UTF-8")


class Stream(Case):
    """The bytes around replies."""

    def ping(self, agent, *options):
        return ctl("ping", "-o", "json", *options, agent.endpoint)

    def test_stale_bytes(self):
        for stale in (b'{"return": {}}\n', b'\xff{"return": 1}\n', b"garbage\xff\xff\n",
                      b'{"return": {"half', b"\x00\n\n", b'\xff{"return": 1}\n' * 1000,
                      b"x" * 300000, b"\xff\xff\xff{", b'\xff{"return": '):
            agent = self.fake(lambda agent, request: line({"return": {}}), greeting=stale)
            self.check(self.ping(agent), 0)
            self.assertTrue(agent.raw.startswith(b"\xff{"))

    def test_split_replies(self):
        def sync(request):
            time.sleep(0.05)
            return b"\xff" + line({"return": request["arguments"]["id"]})
        agent = self.fake(lambda agent, request: line({"return": {}}), sync=sync)
        self.check(self.ping(agent), 0)

    def test_sync_refused(self):
        agent = self.fake(None, sync=lambda request: line(
            {"error": {"class": "CommandNotFound", "desc":
                       "Command guest-sync-delimited has been disabled: the command is not "
                       "allowed"}}))
        result = self.ping(agent)
        self.check(result, 126, err="command-disabled")
        self.assertLess(result.seconds, 2)

    def test_broken_off(self):
        def half(agent, request):
            raise FakeAgent.Hangup(b'{"return": {')

        def at_once(agent, request):
            raise FakeAgent.Hangup()
        self.check(self.ping(self.fake(half)), 125, err="middle of a reply")
        self.check(self.ping(self.fake(at_once)), 125, err='"connection-lost"')

    def test_malformed(self):
        for reply in (b"hello\n", b'{"return": {}\xff}\n', b'{"return": 1, "return": 2}\n',
                      b'{"return": "\x1b"}\n', b'{"return": "\xc3"}\n', b"[" * 200000 + b"\n",
                      b'{"return": 01}\n', b"{'return': {}}\n"):
            agent = self.fake(lambda agent, request, reply=reply: reply)
            self.check(self.ping(agent, "--timeout", "3s"), 125, err='"protocol"')

    def test_endless_reply(self):
        def script(agent, request):
            return b'{"return": "' + b"a" * (65 << 20)
        agent = self.fake(script)
        self.check(self.ping(agent), 125, err='"protocol"')

    def test_silence(self):
        silent = self.fake(None, sync=lambda request: None)
        result = self.ping(silent, "--connect-timeout", "300ms")
        self.check(result, 125, err="did not answer within 300 ms")
        self.assertIn("agent-absent", result.err)
        self.assertLess(result.seconds, 2)
        result = self.ping(silent, "--timeout", "300ms")
        self.check(result, 124, err="timed out after 300 ms")
        hung = self.fake(lambda agent, request: None)
        self.check(self.ping(hung, "--timeout", "300ms"), 124, err='"timeout"')

    def test_nobody(self):
        scratch = self.scratch()
        path = os.path.join(scratch, "x.sock")
        result = ctl("ping", "unix:" + path)
        self.check(result, 125, err="No such file or directory")
        self.assertIn("--wait-agent", result.err)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        self.check(ctl("ping", "-o", "json", "unix:" + path), 125, err='"agent-absent"')
        listener.close()

    def test_wait_agent(self):
        path = os.path.join(self.scratch(), "x.sock")
        result = ctl("ping", "--wait-agent=400ms", "unix:" + path)
        self.check(result, 125, err="no agent within 400 ms")
        self.assertGreater(result.seconds, 0.4)
        self.check(ctl("ping", "--wait-agent", "--timeout=300ms", "unix:" + path), 124)
        agent = self.fake(lambda agent, request: line({"return": {}}))
        appear = threading.Timer(0.4, os.symlink, (agent.path, path))
        appear.start()
        self.check(ctl("ping", "--wait-agent=10s", "unix:" + path), 0)
        appear.join()


class Others(Case):
    INFO = {"version": "1\x1b[2J\u202e", "supported_commands":
            [{"name": "guest-ping", "enabled": True, "success-response": True},
             {"name": "guest-exec", "enabled": False, "success-response": True}]}
    FACTS = {
        "guest-info": INFO,
        "guest-get-osinfo": {"pretty-name": "Test \x1b]0;x\x07", "kernel-release": "6.1"},
        "guest-network-get-interfaces": [
            {"name": "lo", "ip-addresses": [{"ip-address": "127.0.0.1", "prefix": 8}]},
            {"name": "eth0", "hardware-address": "52:54:00:00:00:01", "ip-addresses": [
                {"ip-address": "10.0.0.5", "prefix": 24, "ip-address-type": "ipv4"},
                {"ip-address": "fe80::1", "prefix": 64, "ip-address-type": "ipv6"}],
             "statistics": {"rx-bytes": 5 << 20, "tx-bytes": 17}},
            {"name": 5}, "odd", None],
        "guest-get-fsinfo": [{"mountpoint": "/", "type": "ext4", "name": "vda1",
                              "used-bytes": 1 << 30, "total-bytes": 4 << 30,
                              "disk": [{"dev": "/dev/vda1"}]},
                             {"mountpoint": "/x", "used-bytes": -5, "total-bytes": "y"}],
        "guest-get-users": [{"user": "root", "login-time": 1700000000.5},
                            {"user": "odd", "login-time": 1e300}],
        "guest-get-vcpus": [{"logical-id": 0, "online": True, "can-offline": False}],
        "guest-get-time": 1700000000000000000,
        "guest-get-memory-block-info": {"size": 128 << 20},
    }

    def guest(self):
        return self.fake(lambda agent, request: line({"return": self.FACTS[request["execute"]]})
                         if request["execute"] in self.FACTS else not_found(request))

    def test_info(self):
        agent = self.guest()
        result = ctl("info", agent.endpoint)
        self.check(result, 0)
        self.assertNotIn(b"\x1b", result.out)
        self.assertIn(b"qemu-ga 1\\x1b[2J\\u202e", result.out)
        self.assertRegex(result.out, rb"disabled +guest-exec\n")
        self.assertRegex(result.out, rb"addresses +10.0.0.5\n")
        self.assertNotIn(b"host name", result.out)
        value = json.loads(ctl("info", "-o", "json", agent.endpoint).out)
        self.assertEqual(value["agent"], self.INFO)
        self.assertEqual(value["net"], self.FACTS["guest-network-get-interfaces"])
        self.assertIn("has not been found", value["disks"]["error"])

    def test_info_sections(self):
        agent = self.guest()
        for section, pattern in (
                ("os", rb"kernel release +6.1\n"),
                ("net", rb"eth0 +52:54:00:00:00:01 +10.0.0.5/24 +5.0 MiB +17 B\n"),
                ("fs", rb"/ +ext4 +vda1 +4.0 GiB +1.0 GiB +25 % +/dev/vda1\n"),
                ("users", rb"root +2023-11-14 22:13:20 UTC\n"),
                ("cpu", rb"  0  online  no\n"),
                ("mem", rb"block size +128 MiB\n"),
                ("time", rb"time +2023-11-14 22:13:20 UTC\n")):
            result = ctl("info", agent.endpoint, section)
            self.check(result, 0)
            self.assertRegex(result.out, pattern)
            self.assertNotIn(b"\x1b", result.out)
        self.check(ctl("info", agent.endpoint, "disks"), 127)
        self.check(ctl("info", agent.endpoint, "nope"), 2, err="there are os net")

    def test_kubevirt(self):
        agent = self.guest()
        value = json.loads(ctl("info", "-o", "kubevirt", agent.endpoint).out)
        self.assertEqual(value["guestosinfo"]["os"]["kernelRelease"], "6.1")
        self.assertEqual(value["guestosinfo"]["guestAgentVersion"], self.INFO["version"])
        self.assertEqual(value["guestosinfo"]["supportedCommands"][1],
                         {"name": "guest-exec", "enabled": False})
        self.assertEqual(value["guestosinfo"]["fsInfo"]["disks"][0],
                         {"diskName": "vda1", "mountPoint": "/", "fileSystemType": "ext4",
                          "usedBytes": 1 << 30, "totalBytes": 4 << 30})
        self.assertEqual(value["userlist"]["items"][0],
                         {"userName": "root", "loginTime": 1700000000.5})
        self.assertEqual(value["filesystemlist"]["items"],
                         value["guestosinfo"]["fsInfo"]["disks"])
        users = json.loads(ctl("info", "-o", "kubevirt", agent.endpoint, "users").out)
        self.assertEqual(users, value["userlist"])
        self.check(ctl("info", "-o", "kubevirt", agent.endpoint, "net"), 2)
        self.check(ctl("ping", "-o", "kubevirt", agent.endpoint), 2)

    def test_info_of_odd_shapes(self):
        for odd in (5, None, "x", [], {}, [[]], [5], {"supported_commands": 5}):
            agent = self.fake(lambda agent, request, odd=odd: line({"return": odd}))
            for section in ("", "os", "net", "fs", "disks", "users", "mem", "cpu", "load", "time"):
                self.check(ctl("info", agent.endpoint, *([section] if section else [])), 0)

    def test_info_loses_the_agent(self):
        def script(agent, request):
            if request["execute"] == "guest-info":
                raise FakeAgent.Hangup()
            return not_found(request)
        self.check(ctl("info", self.fake(script).endpoint), 125)

    def test_escapes_text(self):
        agent = self.fake(lambda agent, request: line(
            {"error": {"class": "GenericError", "desc": "no\x1b[2J\nforged"}}))
        result = ctl("ping", agent.endpoint)
        self.check(result, 1, err="no\\x1b[2J\\x0aforged")

    def test_raw(self):
        def script(agent, request):
            if request["execute"] == "x":
                return not_found(request)
            return line({"return": {"a": [1, "\u009b"]}, "id": request.get("id")})
        agent = self.fake(script)
        result = ctl("raw", agent.endpoint, '{"execute":\n"guest-ping", "id": 5}')
        self.check(result, 0, out=b'{"return": {"a": [1, "\\u009B"]}, "id": 5}\n')
        result = ctl("raw", agent.endpoint, '{"execute": "x"}')
        self.check(result, 1)
        self.assertEqual(json.loads(result.out)["error"]["class"], "CommandNotFound")
        result = ctl("raw", agent.endpoint, "-",
                     stdin=b'{"execute": "x"}\n\n{"execute": "guest-ping"}\n')
        self.check(result, 1)
        self.assertEqual(len(result.out.splitlines()), 2)

    def test_trace(self):
        trace = os.path.join(self.scratch(), "trace")
        agent = self.fake(runner({"exited": True, "exitcode": 0}))
        ctl("exec", "--trace", trace, "-e", "TOKEN=hunter2", agent.endpoint, "--", "p")
        with open(trace, encoding="utf-8") as file:
            text = file.read()
        self.assertIn('> {"execute": "guest-exec"', text)
        self.assertIn('< {"return": {"exited": true', text)
        self.assertNotIn("hunter2", text)

    def test_full_stdout(self):
        agent = self.fake(runner({"exited": True, "exitcode": 0, "out-data": b64(b"x" * 10)}))
        with open("/dev/full", "wb") as full:
            import subprocess
            from ctl import CTL
            run = subprocess.run([CTL, "exec", agent.endpoint, "--", "p"], stdout=full,
                                 stderr=subprocess.PIPE, timeout=20)
            self.assertEqual(run.returncode, 125, run.stderr)
            run = subprocess.run([CTL, "ping", agent.endpoint], stdout=full,
                                 stderr=subprocess.PIPE, timeout=20)
            self.assertNotEqual(run.returncode, 0)

    def test_help(self):
        result = ctl("--help")
        self.check(result, 0)
        self.assertIn(b"exec", result.out)
        self.check(ctl("exec", "--help"), 0)
        self.check(ctl("--version"), 0)


class Manual(Case):
    """The man page knows every verb and every option that help shows."""

    PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "packaging", "man", "tenonctl.1")

    def test_complete(self):
        with open(self.PAGE, encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        verbs = re.findall(r"^  (\w+) ", ctl("--help").out.decode(), re.M)
        self.assertIn("exec", verbs)
        for verb in verbs:
            self.assertRegex(page, r"(?m)^\.SS (\w+, )*%s\b" % verb)
            for option in re.findall(r"--[a-z-]+", ctl(verb, "--help").out.decode()):
                self.assertRegex(page, r"%s\b" % option)


class Virsh(Case):
    """Where libvirt's library cannot be loaded, virsh is run; here a stand-in for it."""

    SCRIPT = r'''#!/bin/sh
for arg; do printf '%s\n' "$arg"; done > "$0.args"
case "$*" in
*guest-ping*) printf '{"return":{}}\n\n' ;;
*guest-get-users*) echo "error: internal error: unable to execute QEMU agent command 'guest-get-users':" \
    "The command guest-get-users has not been found" >&2; exit 1 ;;
*) echo "error: Guest agent is not responding: QEMU guest agent is not connected" >&2; exit 1 ;;
esac
'''

    def setUp(self):
        self.dir = self.scratch()
        self.virsh = os.path.join(self.dir, "virsh")
        with open(self.virsh, "w", encoding="utf-8") as file:
            file.write(self.SCRIPT)
        os.chmod(self.virsh, stat.S_IRWXU)
        # What the loader finds here is no library, and it then gives up.
        with open(os.path.join(self.dir, "libvirt.so.0"), "wb") as file:
            file.write(b"no library")
        self.env = dict(os.environ, PATH=self.dir + ":" + os.environ["PATH"],
                        LD_LIBRARY_PATH=self.dir)

    def test_ping(self):
        result = ctl("ping", "--connect", "qemu:///x y", "libvirt:-web 1", env=self.env)
        self.check(result, 0)
        with open(self.virsh + ".args", encoding="utf-8") as file:
            args = file.read().splitlines()
        self.assertEqual(args[:3], ["--connect", "qemu:///x y", "qemu-agent-command"])
        self.assertEqual(args[-3:], ["--", "-web 1", '{"execute": "guest-ping"}'])

    def test_errors(self):
        result = ctl("info", "-o", "json", "libvirt:web1", "users", env=self.env)
        self.check(result, 127, err='"The command guest-get-users has not been found"')
        result = ctl("exec", "-o", "json", "libvirt:web1", "--", "p", env=self.env)
        self.check(result, 125, err='"agent-absent"')


if __name__ == "__main__":
    unittest.main(warnings="ignore")
