#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenonctl's verbs that change a guest, against stand-ins: nothing here touches a real one."""

import base64
import json
import os
import signal
import subprocess
import time
import unittest

from ctl import CTL, Case, FakeAgent, ctl, line


def refuse(desc="no", class_name="GenericError"):
    return line({"error": {"class": class_name, "desc": desc}})


class Quiesce(Case):
    def setUp(self):
        self.is_frozen = False
        self.freeze_reply = line({"return": 2})
        self.thaw_fails = 0
        self.agent = self.fake(self.script)

    def script(self, agent, request):
        name = request["execute"]
        if name == "guest-fsfreeze-freeze":
            self.is_frozen = True
            return self.freeze_reply
        if name == "guest-fsfreeze-thaw":
            if self.thaw_fails > 0:
                self.thaw_fails -= 1
                raise FakeAgent.Hangup()
            self.is_frozen = False
            return line({"return": 2})
        if name == "guest-fsfreeze-status":
            return line({"return": "frozen" if self.is_frozen else "thawed"})
        if name == "guest-info":
            return line({"return": {"version": "1", "supported_commands": [
                {"name": "guest-fsfreeze-" + verb, "enabled": True} for verb in ("freeze", "thaw")]}})
        if name == "guest-get-fsinfo":
            return line({"return": [{"name": "loop0", "mountpoint": "/x\x1b"}]})
        return line({"return": {}})

    def names(self):
        return [r["execute"] for r in self.agent.requests if "freeze" in r["execute"]]

    def quiesce(self, *command, options=(), **more):
        return ctl("quiesce", *options, self.agent.endpoint, "--", *command, **more)

    def test_runs(self):
        result = self.quiesce("sh", "-c", "echo out; exit 5")
        self.check(result, 5, out=b"out\n", err="froze 2 file systems")
        self.assertIn("thawed 2 of 2", result.err)
        self.assertEqual(self.names(), ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw"])

    def test_thaws_after_anything(self):
        self.check(self.quiesce("/nonexistent/x"), 127)
        self.assertFalse(self.is_frozen)
        self.check(self.quiesce("sh", "-c", "kill -9 $$"), 137)
        self.assertFalse(self.is_frozen)
        result = self.quiesce("sleep", "20", options=["--max", "300ms"])
        self.check(result, 124, err="took too long")
        self.assertLess(result.seconds, 5)
        self.assertFalse(self.is_frozen)
        result = self.quiesce("sleep", "20", options=["--timeout", "300ms"])
        self.check(result, 124)
        self.assertFalse(self.is_frozen)

    def test_signals(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            run = subprocess.Popen([CTL, "quiesce", self.agent.endpoint, "--", "sh", "-c",
                                    "echo x; exec sleep 20"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
            self.assertEqual(run.stdout.readline(), b"x\n")
            self.assertTrue(self.is_frozen)
            run.send_signal(number)
            run.communicate(timeout=10)
            self.assertEqual(run.returncode, 128 + number)
            self.assertFalse(self.is_frozen)

    def test_thaws_over_a_new_connection(self):
        self.thaw_fails = 2
        self.check(self.quiesce("true"), 0)
        self.assertFalse(self.is_frozen)

    def test_refused_freeze(self):
        self.freeze_reply = refuse("failed to freeze /: no")
        result = self.quiesce("sh", "-c", "echo ran")
        self.check(result, 1, out=b"", err="failed to freeze /: no")
        self.assertEqual(self.names(), ["guest-fsfreeze-freeze"])

    def test_silent_freeze(self):
        """Whether it froze is not known, so it is thawed."""
        self.freeze_reply = None
        self.check(self.quiesce("sh", "-c", "echo ran", options=["--timeout", "500ms"]), 124,
                   out=b"")
        self.assertIn("guest-fsfreeze-thaw", self.names())
        self.assertFalse(self.is_frozen)

    def test_check(self):
        result = ctl("quiesce", "--check", self.agent.endpoint)
        self.check(result, 0)
        self.assertIn(b"warn /x\\x1b is a loop mount", result.out)
        self.is_frozen = True
        self.check(ctl("quiesce", "--check", self.agent.endpoint), 1)
        self.check(ctl("quiesce", self.agent.endpoint), 2)
        self.check(self.quiesce("x", options=["--check"]), 2)


class Power(Case):
    def power(self, script, *args, **more):
        self.agent = self.fake(script)
        return ctl("power", *args, self.agent.endpoint, **more)

    def test_goes_away(self):
        def script(agent, request):
            raise FakeAgent.Hangup()
        for args, command, mode in ((["off"], "guest-shutdown", "powerdown"),
                                    (["reboot"], "guest-shutdown", "reboot"),
                                    (["suspend"], "guest-suspend-ram", None),
                                    (["suspend", "--mode", "disk"], "guest-suspend-disk", None)):
            self.check(self.power(script, *args), 0)
            request = self.agent.requests[0]
            self.assertEqual(request["execute"], command)
            self.assertEqual(request.get("arguments", {}).get("mode"), mode)

    def test_refused(self):
        self.check(self.power(lambda agent, request: refuse("mode not supported"), "suspend"), 1,
                   err="mode not supported")

    def test_stays(self):
        self.check(self.power(lambda agent, request: None, "off", "--timeout", "300ms"), 124)

    def test_usage(self):
        for args in (["explode", "unix:/x"], ["off"], ["suspend", "--mode", "x", "unix:/x"],
                     ["off", "--mode", "ram", "unix:/x"]):
            self.assertEqual(ctl("power", *args).code, 2)


class Time(Case):
    def setUp(self):
        self.offset_ns = 5 * 10 ** 9
        self.agent = self.fake(self.script)

    def script(self, agent, request):
        if request["execute"] == "guest-get-time":
            return line({"return": time.time_ns() + self.offset_ns})
        self.offset_ns = request["arguments"]["time"] - time.time_ns()
        return line({"return": {}})

    def test_get(self):
        result = ctl("time", "get", self.agent.endpoint)
        self.check(result, 0)
        self.assertRegex(result.out, rb"\+(4\.9|5\.0)\d\d s against this host")
        value = json.loads(ctl("time", "get", "-o", "json", self.agent.endpoint).out)
        self.assertLess(abs(value["offset-ns"] - self.offset_ns), 10 ** 8)

    def test_sync(self):
        self.check(ctl("time", "sync", self.agent.endpoint), 0)
        self.assertLess(abs(self.offset_ns), 10 ** 8)

    def test_set(self):
        self.check(ctl("time", "set", self.agent.endpoint, "2030-01-02T03:04:05Z"), 0)
        self.assertEqual(self.agent.requests[-1]["arguments"]["time"], 1893553445 * 10 ** 9)
        self.check(ctl("time", "set", self.agent.endpoint, "@1893553445"), 0)
        for text in ("soon", "@x", "@-1", "1960-01-01T00:00:00Z", "@99999999999999"):
            self.check(ctl("time", "set", self.agent.endpoint, text), 2)
        self.check(ctl("time", "set", self.agent.endpoint), 2)
        self.check(ctl("time", "get", self.agent.endpoint, "now"), 2)


class User(Case):
    def setUp(self):
        self.reply = {"return": {}}
        self.agent = self.fake(lambda agent, request: line(self.reply))

    def user(self, *args, stdin=b""):
        return ctl("user", *args, stdin=stdin)

    def last(self):
        return self.agent.requests[-1]

    def test_password(self):
        trace = os.path.join(self.scratch(), "trace")
        result = self.user("passwd", "--stdin", "--trace", trace, self.agent.endpoint, "joe",
                           stdin=b"s3cret w\xc3\xb6rd\nrest\n")
        self.check(result, 0)
        self.assertEqual(self.last()["arguments"], {
            "username": "joe", "crypted": False,
            "password": base64.b64encode(b"s3cret w\xc3\xb6rd").decode()})
        with open(trace, encoding="utf-8") as file:
            self.assertNotIn(self.last()["arguments"]["password"], file.read())
        self.check(self.user("passwd", self.agent.endpoint, "joe"), 2)
        self.check(self.user("passwd", "--stdin", self.agent.endpoint, "joe", stdin=b"\n"), 2)
        self.check(self.user("passwd", "--stdin", self.agent.endpoint, "joe",
                             stdin=b"x" * 5000), 2)

    def test_keys(self):
        self.reply = {"return": {"keys": ["ssh-ed25519 AAAA joe\x1b[2J"]}}
        self.check(self.user("ssh-key", "ls", self.agent.endpoint, "joe"), 0,
                   out=b"ssh-ed25519 AAAA joe\\x1b[2J\n")
        self.reply = {"return": {}}
        self.check(self.user("ssh-key", "add", "--reset", self.agent.endpoint, "joe", "k1", "k2"),
                   0)
        self.assertEqual(self.last()["arguments"],
                         {"username": "joe", "keys": ["k1", "k2"], "reset": True})
        self.check(self.user("ssh-key", "rm", self.agent.endpoint, "joe",
                             stdin=b"# note\n\n k3 \n"), 0)
        self.assertEqual(self.last()["execute"], "guest-ssh-remove-authorized-keys")
        self.assertEqual(self.last()["arguments"]["keys"], ["k3"])
        self.check(self.user("ssh-key", "add", self.agent.endpoint, "joe"), 2, err="no key")
        self.check(self.user("ssh-key", "nope", self.agent.endpoint, "joe"), 2)


class Policy(Case):
    TEXT = "verdict: allowed by df (/etc/tenon/policy.d/50-site.conf:3)\n\x1b[2Jforged\n"

    def explain(self, reply, *args):
        agent = self.fake(lambda _agent, _request: reply)
        result = ctl("policy", "explain", agent.endpoint, *args)
        return agent, result

    def test_allowed(self):
        agent, result = self.explain(line({"return": {"allowed": True, "text": self.TEXT}}),
                                     "--", "df", "-h")
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(agent.requests[-1], {"execute": "tenon-policy-check", "arguments": {
            "path": "df", "arg": ["-h"]}})
        self.assertTrue(result.out.startswith(b"verdict: allowed by df (/etc/tenon"), result.out)
        self.assertNotIn(b"\x1b", result.out)

    def test_denied(self):
        _, result = self.explain(line({"return": {"allowed": False}}), "--", "sh")
        self.assertEqual((result.code, result.out), (1, b"denied\n"))

    def test_not_told(self):
        _, result = self.explain(refuse("Command tenon-policy-check has been disabled: no",
                                        "CommandNotFound"), "--", "sh")
        self.assertNotIn(result.code, (0, 1))
        self.assertIn("has been disabled", result.err)

    def test_usage(self):
        self.assertEqual(ctl("policy", "forget", "unix:/x", "--", "sh").code, 2)


class Trim(Case):
    def test_trim(self):
        reply = {"paths": [{"path": "/", "trimmed": 5 << 20, "minimum": 0},
                           {"path": "/x", "error": "trim not supported"}]}
        agent = self.fake(lambda agent, request: line({"return": reply}))
        result = ctl("trim", "--minimum", "4096", agent.endpoint)
        self.check(result, 0)
        self.assertRegex(result.out, rb"/ +5\.0 MiB +-\n/x +- +trim not supported\n")
        self.assertEqual(agent.requests[0]["arguments"], {"minimum": 4096})
        self.assertEqual(json.loads(ctl("trim", "-o", "json", agent.endpoint).out), reply)
        self.check(ctl("trim", "--strict", agent.endpoint), 3)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
