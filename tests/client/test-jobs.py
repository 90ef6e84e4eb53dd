#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenonctl's job verbs against a stand-in for an agent that has jobs."""

import hashlib
import json
import os
import signal
import subprocess
import time
import unittest

from ctl import CTL, Case, FakeAgent, ctl
from jobs import Jobs


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Jobful(Case):
    def setUp(self):
        self.jobs = Jobs()
        self.agent = self.fake(self.jobs)
        self.endpoint = self.agent.endpoint
        self.addCleanup(lambda: [job.kill(signal.SIGKILL) for job in self.jobs.jobs.values()])

    def job(self):
        return list(self.jobs.jobs.values())[-1]

    def sh(self, script, *options, **more):
        return ctl("exec", *options, self.endpoint, "--", "sh", "-c", script, **more)

    def start(self, *args, **more):
        return subprocess.Popen([CTL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=more.get("stdin", subprocess.DEVNULL))

    def gone(self, pid):
        deadline = time.monotonic() + 5
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        return not alive(pid)


class Exec(Jobful):
    def test_one_round_trip(self):
        result = self.sh("echo out; echo err >&2; exit 7")
        self.check(result, 7, out=b"out\n")
        self.assertEqual(result.err, "err\n")
        self.assertEqual([r["execute"] for r in self.agent.requests], ["tenon-exec"])

    def test_options_on_the_wire(self):
        result = self.sh("echo $A; pwd", "-e", "A=1", "-C", "/", "--name", "n", "--keep", "1h",
                         "--timeout", "9s", "--grace", "3s")
        self.check(result, 0, out=b"1\n/\n")
        args = self.agent.requests[0]["arguments"]
        self.assertEqual(args["name"], "n")
        self.assertEqual(args["keep-ms"], 3600000)
        self.assertEqual(args["grace-ms"], 3000)
        self.assertTrue(8000 < args["timeout-ms"] <= 9000)
        self.assertEqual(args["on-full"], "wait")

    def test_live_output(self):
        run = self.start("exec", self.endpoint, "--", "sh", "-c",
                         "echo one; sleep 1; echo two; sleep 5")
        start = time.monotonic()
        self.assertEqual(run.stdout.readline(), b"one\n")
        self.assertLess(time.monotonic() - start, 0.9)
        self.assertEqual(run.stdout.readline(), b"two\n")
        run.terminate()
        run.communicate()

    def test_much_output(self):
        result = self.sh("head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2")
        self.check(result, 0)
        self.assertEqual(len(result.out), 20000000)
        self.assertEqual(len(result.err), 3000000)

    def test_signalled_program(self):
        self.check(self.sh("kill -9 $$"), 137)

    def test_not_found(self):
        self.check(ctl("exec", self.endpoint, "--", "/nonexistent/x"), 127)

    def test_timeout(self):
        result = self.sh("echo before; sleep 30", "--timeout", "400ms")
        self.check(result, 124, out=b"before\n",
                   err="timed out after 400 ms, the program was ended (job 2000)")
        self.assertLess(result.seconds, 3)

    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            run = self.start("exec", self.endpoint, "--", "sh", "-c", "echo x; sleep 30")
            self.assertEqual(run.stdout.readline(), b"x\n")
            start = time.monotonic()
            run.send_signal(number)
            _, err = run.communicate(timeout=10)
            self.assertEqual(run.returncode, 128 + number, err)
            self.assertLess(time.monotonic() - start, 1)
            self.assertTrue(self.gone(self.job().child.pid))

    def test_interrupt_stubborn(self):
        run = self.start("exec", "--grace", "300ms", self.endpoint, "--", "sh", "-c",
                         "trap '' TERM; echo x; while :; do sleep 0.1; done")
        self.assertEqual(run.stdout.readline(), b"x\n")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
        self.assertTrue(self.gone(self.job().child.pid))

    def test_reader_gone(self):
        run = subprocess.run(
            ["sh", "-c", '"$0" exec "$1" -- sh -c "yes; :" | head -1', CTL, self.endpoint],
            capture_output=True, timeout=20)
        self.assertEqual(run.stdout, b"y\n")
        self.assertEqual(run.stderr, b"")
        self.assertTrue(self.gone(self.job().child.pid))

    def test_stdin_pipe(self):
        data = os.urandom(3 << 20)
        result = ctl("exec", "-i", self.endpoint, "--", "cat", stdin=data, limit=60)
        self.check(result, 0)
        self.assertEqual(hashlib.sha256(result.out).digest(), hashlib.sha256(data).digest())

    def test_stdin_file(self):
        path = os.path.join(self.scratch(), "in")
        with open(path, "wb") as file:
            file.write(os.urandom(1 << 20))
        with open(path, "rb") as file:
            run = subprocess.run([CTL, "exec", "-i", self.endpoint, "--", "wc", "-c"], stdin=file,
                                 capture_output=True, timeout=30)
        self.assertEqual((run.returncode, run.stdout.strip()), (0, b"1048576"))

    def test_stdin_slow(self):
        run = self.start("exec", "-i", self.endpoint, "--", "cat", stdin=subprocess.PIPE)
        for word in (b"one\n", b"two\n"):
            time.sleep(0.3)
            start = time.monotonic()
            run.stdin.write(word)
            run.stdin.flush()
            self.assertEqual(run.stdout.readline(), word)
            self.assertLess(time.monotonic() - start, 0.5)
        self.assertLess(len(self.agent.requests), 40)
        run.stdin.close()
        self.assertEqual(run.wait(10), 0)

    def test_stdin_unread(self):
        result = ctl("exec", "-i", self.endpoint, "--", "true", stdin=b"x" * (1 << 20))
        self.check(result, 0)

    def test_json(self):
        result = ctl("exec", "-o", "json", self.endpoint, "--", "sh", "-c", "echo é; exit 3")
        self.assertEqual(result.code, 3)
        value = json.loads(result.out)
        self.assertEqual((value["job"], value["exit-code"], value["signal"]), (2000, 3, None))
        self.assertEqual(value["out"]["text"], "é\n")
        self.assertEqual(value["out"]["omitted"], 0)
        self.assertEqual(value["out"]["sha256"], hashlib.sha256("é\n".encode()).hexdigest())

    def test_connection_lost(self):
        """The connection breaks in the middle, again and again; nothing is lost or doubled."""
        count = [0]

        def script(agent, request):
            reply = self.jobs(agent, request)
            if request["execute"] == "tenon-exec-read":
                count[0] += 1
                if count[0] % 3 == 1:
                    raise FakeAgent.Hangup(reply[:count[0] * 7])
            return reply
        agent = self.fake(script)
        result = ctl("exec", agent.endpoint, "--", "sh", "-c",
                     "seq 1 200000; sleep 1; seq 1 10 >&2; exit 5", limit=60)
        self.check(result, 5)
        self.assertEqual(result.out, b"".join(b"%d\n" % i for i in range(1, 200001)))
        self.assertEqual(result.err.split(), [str(i) for i in range(1, 11)])
        self.assertGreater(count[0], 3)


class Run(Jobful):
    def script(self, text):
        path = os.path.join(self.scratch(), "script")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_interpreters(self):
        path = self.script("#!/bin/sh -e\necho \"$0 $1\"\nfalse\necho no\n")
        self.check(ctl("run", self.endpoint, path, "--", "--dry-run"), 1,
                   out=b"/dev/stdin --dry-run\n")
        path = self.script("#! /usr/bin/env python3\nimport sys\nprint(sys.argv[1:])\n")
        self.check(ctl("run", self.endpoint, path, "--", "a", "b"), 0, out=b"['a', 'b']\n")
        self.check(ctl("run", self.endpoint, "-", stdin=b"echo plain"), 0, out=b"plain\n")

    def test_refusals(self):
        self.check(ctl("run", self.endpoint, "/nonexistent"), 125)
        self.check(ctl("run", self.endpoint, self.script("#!\n")), 2)
        self.check(ctl("run", self.endpoint, "/proc/self/exe"), 2, err="a program")


class Later(Jobful):
    def detach(self, script, *options):
        result = self.sh(script, "-d", *options)
        self.assertEqual(result.code, 0, result.err)
        return result.out.decode().strip()

    def test_jobs(self):
        self.assertEqual(self.detach("sleep 30", "--name", "build"), "2000")
        self.detach("exit 3")
        time.sleep(0.2)
        result = ctl("jobs", self.endpoint)
        self.check(result, 0)
        rows = result.out.decode().splitlines()
        self.assertEqual(rows[1].split()[:4], ["2000", "build", "running", "-"])
        self.assertEqual(rows[2].split()[:4], ["2001", "-", "ended", "3"])
        self.assertEqual(len(json.loads(ctl("jobs", "-o", "json", self.endpoint).out)), 2)

    def test_logs(self):
        job = self.detach("seq 1 5; echo e >&2; printf last")
        time.sleep(0.2)
        result = ctl("logs", self.endpoint, job)
        self.check(result, 0, out=b"1\n2\n3\n4\n5\nlast")
        self.assertEqual(result.err, "e\n")
        self.check(ctl("logs", "--tail", "2", self.endpoint, job), 0, out=b"5\nlast")
        self.check(ctl("logs", "-n", "0", self.endpoint, job), 0, out=b"")
        self.check(ctl("logs", "-n99", self.endpoint, job), 0, out=b"1\n2\n3\n4\n5\nlast")
        self.check(ctl("logs", self.endpoint, "999"), 127, err="does not exist")
        self.check(ctl("logs", self.endpoint, "nope"), 127, err="no job is called 'nope'")

    def test_logs_follow(self):
        self.detach("echo a; sleep 2; echo b; exit 4", "--name", "n")
        # The shell may not have come to its first line yet.
        end = time.monotonic() + 1.5
        while ctl("logs", self.endpoint, "n").out == b"" and time.monotonic() < end:
            time.sleep(0.02)
        self.check(ctl("logs", self.endpoint, "n"), 0, out=b"a\n")
        self.check(ctl("logs", "-f", "--tail", "0", self.endpoint, "n"), 0, out=b"b\n")
        self.check(ctl("attach", self.endpoint, "n"), 4, out=b"a\nb\n")

    def test_attach_leaves(self):
        self.detach("echo a; sleep 30", "--name", "n")
        run = self.start("attach", self.endpoint, "n")
        self.assertEqual(run.stdout.readline(), b"a\n")
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=5)
        self.assertEqual(run.returncode, 130)
        self.assertIn(b"job 2000 goes on", err)
        self.assertTrue(alive(self.job().child.pid))

    def test_kill(self):
        self.detach("trap '' INT; sleep 30", "--name", "n")
        time.sleep(0.1)
        self.check(ctl("kill", "-s", "INT", "--grace", "200ms", self.endpoint, "n"), 0)
        self.assertTrue(self.gone(self.job().child.pid))
        time.sleep(0.1)
        self.check(ctl("kill", self.endpoint, "n"), 1, err="has ended")
        self.check(ctl("attach", self.endpoint, "2000"), 137)


class Late(Case):
    def test_output_behind_the_end(self):
        """A program has ended while its last output still waited for its reader."""
        def script(agent, request):
            args = request.get("arguments", {})
            if request["execute"] == "tenon-exec":
                return (json.dumps({"return": {"job": 1, "pid": 2}}) + "\n").encode()
            start = args["out-from"]
            return (json.dumps({"return": {
                "job": 1, "state": "ended" if start > 0 else "running", "exit-code": 0,
                "out": {"from": start, "b64": "eA==" if start < 5 else "",
                        "total": min(start + 1, 5), "end": start >= 4},
                "err": {"from": 0, "b64": "", "total": 0, "end": True}}}) + "\n").encode()
        agent = self.fake(script)
        self.check(ctl("exec", agent.endpoint, "--", "x"), 0, out=b"xxxxx")
        self.check(ctl("logs", agent.endpoint, "1"), 0)

    def test_dropped_output(self):
        agent = self.fake(lambda agent, request: (json.dumps({"return": {
            "job": 1, "state": "ended", "exit-code": 0,
            "out": {"from": 0, "b64": "eA==", "total": 1, "dropped": 7, "end": True}}}) +
            "\n").encode())
        self.check(ctl("exec", agent.endpoint, "--", "x"), 0, out=b"x", err="cut")
        self.check(ctl("exec", "--strict", agent.endpoint, "--", "x"), 125, err="cut")


class Hostile(Case):
    def test_replies(self):
        end = {"job": 1, "state": "ended", "exit-code": 0}
        for reply, code in (
                ({}, 125), ({"job": "1"}, 125), (dict(end, **{"exit-code": 256}), 125),
                (dict(end, signal=-3), 125), (dict(end, signal=99), 125),
                (dict(end, out={"from": -5, "b64": "eA=="}), 125),
                (dict(end, out={"from": 0, "b64": "!"}), 125),
                (dict(end, out={"from": 2 ** 63 - 1, "b64": "eA=="}), 125),
                ({"job": 1, "state": "ended"}, 125),
                ({"job": 1, "state": "ended", "reason": "exit-unknown"}, 125),
                (dict(end, reason="timeout"), 124)):
            agent = self.fake(lambda agent, request, reply=reply:
                              (json.dumps({"return": reply}) + "\n").encode())
            result = ctl("exec", "--timeout", "3s", agent.endpoint, "--", "x")
            self.assertEqual(result.code, code, (reply, result.err))


class Tenon(Case):
    """The same, in short, with our own agent."""

    def setUp(self):
        self.endpoint = self.tenond("tenon-exec")

    def sh(self, script, *options, **more):
        return ctl("exec", *options, self.endpoint, "--", "sh", "-c", script, **more)

    def test_one_round_trip(self):
        trace = os.path.join(self.dir, "trace")
        result = self.sh("echo out; echo err >&2; exit 7", "--trace", trace)
        self.check(result, 7, out=b"out\n")
        self.assertEqual(result.err, "err\n")
        with open(trace, encoding="utf-8") as file:
            self.assertEqual(file.read().count(" > "), 1)

    def test_streams(self):
        data = os.urandom(8 << 20)
        result = ctl("exec", "-i", self.endpoint, "--", "cat", stdin=data, limit=100)
        self.check(result, 0)
        self.assertEqual(hashlib.sha256(result.out).digest(), hashlib.sha256(data).digest())

    def test_slow_stdin(self):
        run = subprocess.Popen([CTL, "exec", "-i", self.endpoint, "--", "cat"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for word in (b"one\n", b"two\n"):
            time.sleep(0.2)
            start = time.monotonic()
            run.stdin.write(word)
            run.stdin.flush()
            self.assertEqual(run.stdout.readline(), word)
            self.assertLess(time.monotonic() - start, 2)
        run.stdin.close()
        self.assertEqual(run.wait(10), 0)

    def test_reader_gone(self):
        mark = "sleep 4%d" % (os.getpid() % 100000)
        run = subprocess.run(
            ["sh", "-c", '"$0" exec "$1" -- sh -c "$2 & yes" | head -1', CTL, self.endpoint, mark],
            capture_output=True, timeout=20)
        self.assertEqual((run.stdout, run.stderr), (b"y\n", b""))
        self.check_none(mark)

    def check_none(self, mark):
        """No process with MARK as its command line is left."""
        wanted = mark.replace(" ", "\0").encode() + b"\0"
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            left = []
            for pid in os.listdir("/proc"):
                try:
                    with open("/proc/%s/cmdline" % pid, "rb") as file:
                        left += [pid] if file.read() == wanted else []
                except OSError:
                    pass
            if not left:
                return
            time.sleep(0.05)
        self.fail("still there: %s" % left)

    def test_timeout_and_interrupt(self):
        result = self.sh("echo x; sleep 31", "--timeout", "300ms")
        self.check(result, 124, out=b"x\n", err="the program was ended")
        run = subprocess.Popen([CTL, "exec", self.endpoint, "--", "sh", "-c", "echo x; sleep 32"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(run.stdout.readline(), b"x\n")
        start = time.monotonic()
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=10)
        self.assertEqual(run.returncode, 130)
        self.assertLess(time.monotonic() - start, 3)

    def test_later(self):
        job = self.sh("echo a; sleep 0.5; echo b; exit 4", "-d", "--name", "n").out.decode().strip()
        self.check(ctl("logs", "-f", self.endpoint, "n"), 0, out=b"a\nb\n")
        self.check(ctl("attach", self.endpoint, job), 4, out=b"a\nb\n")
        self.assertIn(b" n ", ctl("jobs", self.endpoint).out)
        self.sh("sleep 33", "-d", "--name", "k")
        self.check(ctl("kill", self.endpoint, "k"), 0)
        self.check(ctl("attach", self.endpoint, "k"), 143)
        self.check(ctl("attach", self.endpoint, "999999"), 127, err="does not exist")

    def test_agent_gone(self):
        """kill -9 of the agent: the job is lost, and that is said."""
        run = subprocess.Popen([CTL, "exec", "-o", "json", self.endpoint, "--", "sh", "-c",
                                "echo x; sleep 2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(0.5)
        self.stop_tenond()
        self.start_tenond()
        _, err = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 125, err)
        self.assertEqual(json.loads(err)["error"]["reason"], "lost")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
