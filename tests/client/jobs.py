# SPDX-License-Identifier: Apache-2.0
"""A stand-in for an agent with jobs: the tenon-exec family over real processes of this machine,
just as far as tenonctl's tests need it."""

import base64
import os
import select
import signal
import subprocess
import threading
import time

from ctl import line


class Wrong(Exception):
    def __init__(self, desc, reason=None):
        super().__init__(desc)
        self.error = {"class": "GenericError", "desc": desc}
        if reason:
            self.error["reason"] = reason


class Job:
    def __init__(self, number, args):
        self.number = number
        self.args = args
        self.lock = threading.Condition()
        self.data = [bytearray(), bytearray()]
        self.open = 2
        self.state = None
        self.reason = None
        self.taken = 0
        has_stdin = args.get("stdin") == "open" or "input-b64" in args
        try:
            self.child = subprocess.Popen(
                [args["path"], *args.get("arg", [])], start_new_session=True,
                stdin=subprocess.PIPE if has_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=args.get("cwd"),
                env=dict(os.environ, **dict(e.split("=", 1) for e in args.get("env", []))))
        except OSError as error:
            raise Wrong("Failed to execute child process “%s” (%s)" %
                        (args["path"], error.strerror)) from error
        self.started = time.time_ns()
        for stream, pipe in enumerate((self.child.stdout, self.child.stderr)):
            threading.Thread(target=self.drain, args=(stream, pipe), daemon=True).start()
        if "timeout-ms" in args:
            timer = threading.Timer(args["timeout-ms"] / 1000, self.time_out)
            timer.daemon = True
            timer.start()
        if "input-b64" in args:
            threading.Thread(target=self.feed, daemon=True).start()

    def feed(self):
        try:
            self.child.stdin.write(base64.b64decode(self.args["input-b64"]))
            self.child.stdin.close()
        except OSError:
            pass

    def drain(self, stream, pipe):
        while True:
            piece = os.read(pipe.fileno(), 65536)
            with self.lock:
                if not piece:
                    self.open -= 1
                    if self.open == 0:
                        self.state = self.child.wait()
                    self.lock.notify_all()
                    return
                self.data[stream] += piece
                self.lock.notify_all()
            # on-full: wait, with a buffer of 4 MiB
            while len(self.data[stream]) - self.low[stream] > 4 << 20 and self.child.poll() is None:
                time.sleep(0.001)

    low = (0, 0)

    def kill(self, number):
        try:
            os.killpg(self.child.pid, number)
        except OSError:
            pass

    def time_out(self):
        if self.state is None:
            self.reason = "timeout"
            self.kill(signal.SIGKILL)

    def wait(self, seconds, is_ready, hurry):
        deadline = time.monotonic() + seconds
        with self.lock:
            while not is_ready() and time.monotonic() < deadline and not hurry():
                self.lock.wait(0.01)

    def describe(self, froms, limit):
        value = {"job": self.number, "state": "running" if self.state is None else "ended",
                 "started-ns": self.started}
        if self.state is not None:
            if self.state < 0:
                value["signal"] = -self.state
            else:
                value["exit-code"] = self.state
            value["reason"] = self.reason or ("signal" if self.state < 0 else "exit")
        self.low = tuple(froms)
        for name, data, start in zip(("out", "err"), self.data, froms):
            piece = bytes(data[start:start + limit])
            value[name] = {"from": start, "b64": base64.b64encode(piece).decode(),
                           "total": len(data), "dropped": 0,
                           "end": self.state is not None and start + len(piece) == len(data)}
        return value


class Jobs:
    """The script of a FakeAgent."""

    def __init__(self):
        self.jobs = {}

    def find(self, args):
        if args["job"] not in self.jobs:
            raise Wrong("job %d does not exist" % args["job"], "no-such-job")
        return self.jobs[args["job"]]

    def exec(self, agent, args):
        job = Job(2000 + len(self.jobs), args)
        self.jobs[job.number] = job
        job.wait(args.get("wait-ms", 0) / 1000, lambda: job.state is not None, agent.hurry)
        if job.state is None:
            return {"job": job.number, "pid": job.child.pid}
        return dict(job.describe((0, 0), 1 << 20), pid=job.child.pid)

    def exec_read(self, agent, args):
        job = self.find(args)
        froms = (args.get("out-from", 0), args.get("err-from", 0))
        job.wait(args.get("wait-ms", 0) / 1000,
                 lambda: job.state is not None or any(len(data) > start for data, start
                                                      in zip(job.data, froms)), agent.hurry)
        return job.describe(froms, args.get("max-bytes", 1 << 20))

    def exec_write(self, agent, args):
        job = self.find(args)
        data = base64.b64decode(args["b64"])[job.taken - args["at"]:][:100000]
        _, writable, _ = select.select([], [job.child.stdin], [], 0)
        if not writable:
            data = b""
        try:
            os.set_blocking(job.child.stdin.fileno(), False)
            taken = os.write(job.child.stdin.fileno(), data) if data else 0
        except BlockingIOError:
            taken = 0
        except OSError as error:
            raise Wrong("job %d has closed its input" % job.number) from error
        job.taken += taken
        if args.get("close") and job.taken == args["at"] + len(base64.b64decode(args["b64"])):
            job.child.stdin.close()
        return {"taken": job.taken - args["at"], "total": job.taken}

    def exec_signal(self, agent, args):
        job = self.find(args)
        if job.state is not None:
            raise Wrong("job %d has ended" % job.number)
        name = args["signal"]
        job.reason = "killed"
        job.kill(int(name) if name.isdigit() else getattr(signal, "SIG" + name))
        if "grace-ms" in args:
            timer = threading.Timer(args["grace-ms"] / 1000, job.kill, [signal.SIGKILL])
            timer.daemon = True
            timer.start()
        return {}

    def exec_list(self, agent, args):
        entries = []
        for job in self.jobs.values():
            entry = job.describe((0, 0), 0)
            entry.update({"pid": job.child.pid, "path": job.args["path"], "cpu-ms": 12,
                          "out-total": entry.pop("out")["total"],
                          "err-total": entry.pop("err")["total"], "channel": "x"})
            if "name" in job.args:
                entry["name"] = job.args["name"]
            entries.append(entry)
        return entries

    def __call__(self, agent, request):
        name = request["execute"]
        method = getattr(self, name[len("tenon-"):].replace("-", "_"), None) \
            if name.startswith("tenon-exec") else None
        if method is None:
            return line({"error": {"class": "CommandNotFound",
                                   "desc": "The command %s has not been found" % name}})
        try:
            return line({"return": method(agent, request.get("arguments", {}))})
        except Wrong as wrong:
            return line({"error": wrong.error})
