# SPDX-License-Identifier: Apache-2.0
"""The scripted host: starts an agent on a unix socket and talks to it, every wait with a deadline.

Used by the plays of tests/harness and tests/compat. TENON_TEST_WRAP is put before the agent's
command line (valgrind, for one); TENON_TEST_SLOW multiplies all deadlines (20 when wrapped).
"""
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

WRAP = shlex.split(os.environ.get("TENON_TEST_WRAP", ""))
SLOW = float(os.environ.get("TENON_TEST_SLOW", "20" if WRAP else "1"))


class Failure(Exception):
    """Something else came than what was expected."""


class Link:
    """One connection of the host."""

    def __init__(self, path, deadline=5.0):
        end = time.monotonic() + deadline * SLOW
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                self.socket.close()
                if time.monotonic() > end:
                    raise Failure(f"nobody listens at {path}") from None
                time.sleep(0.01)
        self.pending = bytearray()

    def send(self, data, deadline=10.0):
        self.socket.settimeout(deadline * SLOW)
        try:
            self.socket.sendall(data)
        except socket.timeout:
            raise Failure("the agent does not read") from None

    def _receive(self, end):
        left = end - time.monotonic()
        if left <= 0:
            raise Failure(f"no line in time, only {bytes(self.pending[:200])!r}")
        self.socket.settimeout(left)
        try:
            # Small at first: meson has malloc fill what it gives, and 1 MiB of that takes
            # milliseconds.
            data = self.socket.recv(1 << 16 if len(self.pending) < 1 << 18 else 1 << 20)
        except socket.timeout:
            raise Failure(f"no line in time, only {bytes(self.pending[:200])!r}") from None
        if not data:
            raise Failure(f"the agent hung up after {bytes(self.pending[:200])!r}")
        self.pending += data

    def line(self, deadline=5.0):
        """The next line with its newline, as bytes."""
        end = time.monotonic() + deadline * SLOW
        seen = 0
        while True:
            at = self.pending.find(b"\n", seen)
            if at >= 0:
                line = bytes(self.pending[: at + 1])
                del self.pending[: at + 1]
                return line
            seen = len(self.pending)
            self._receive(end)

    def ask(self, request, deadline=5.0):
        """One request (an object or bytes), one reply (an object)."""
        if not isinstance(request, bytes):
            request = json.dumps(request).encode() + b"\n"
        self.send(request)
        return json.loads(self.line(deadline).lstrip(b"\xff"))

    def is_quiet(self, seconds=0.1):
        """True when nothing comes for that long."""
        if self.pending:
            return False
        self.socket.settimeout(seconds)
        try:
            self.pending += self.socket.recv(1)
        except socket.timeout:
            return True
        return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def name_policy(program, arguments):
    """What lets tenond run everything, as qemu-ga does, where nothing else was said."""
    named = any(argument.startswith("--policy") for argument in arguments)
    ours = os.path.basename(os.path.realpath(program)) == "tenond"
    return ["--policy=preset:compat"] if ours and not named else []


class Agent:
    """An agent of its own in a scratch directory; ends with the block."""

    def __init__(self, program, *arguments, wrap=True, env=None):
        self.directory = tempfile.mkdtemp(prefix="tenon-test-")
        self.path = os.path.join(self.directory, "socket")
        self.log = open(os.path.join(self.directory, "log"), "w+b")
        command = (WRAP if wrap else []) + [
            program,
            "--method=unix-listen",
            f"--path={self.path}",
            f"--statedir={self.directory}",
            *name_policy(program, arguments),
            *arguments,
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=env
        )

    def connect(self):
        if self.process.poll() is not None:
            raise Failure(f"the agent has ended with {self.process.returncode}: {self.read_log()}")
        return Link(self.path)

    def is_sanitized(self):
        """Whether it carries a sanitizer, which takes its time and keeps what was freed."""
        with open(f"/proc/{self.process.pid}/exe", "rb") as binary:
            return b"__asan_init" in binary.read()

    def read_log(self):
        self.log.flush()
        with open(self.log.name, "rb") as log:
            return log.read().decode(errors="replace")

    def status(self, name):
        """A number of /proc/PID/status, such as VmRSS (KiB)."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        raise Failure(f"no {name}")

    def forget_peak(self):
        """Makes VmHWM begin again at what is resident now."""
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")

    def cpu_ticks(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def stop(self, deadline=5.0):
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("the agent does not end on SIGTERM") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            code = self.stop()
            if kind is None and code != 0:
                raise Failure(f"the agent ended with {code}: {self.read_log()[-2000:]}")
        finally:
            self.discard()

    def discard(self):
        """Removes what the agent, which has ended, left."""
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
