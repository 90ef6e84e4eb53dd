# SPDX-License-Identifier: Apache-2.0
"""What the transport tests share: an agent in a scratch directory, a client with deadlines, and a
runner that prints one line per check. Checks run in the order in which they are defined."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

PING = b'{"execute":"guest-ping"}\n'
PONG = b'{"return": {}}\n'
TICKS = os.sysconf('SC_CLK_TCK')
SKIPPED = 77


class Skip(Exception):
    """The check cannot run here; the text says what is missing."""


class Agent:
    """A running agent; use it in a with statement."""

    def __init__(self, program, *options, method='unix-listen', path=None, **popen):
        self.directory = tempfile.mkdtemp(prefix='tenon-transport-')
        self.path = path or os.path.join(self.directory, 'socket')
        self.log = os.path.join(self.directory, 'log')
        state = os.path.join(self.directory, 'state')
        os.mkdir(state)
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                [program, '-m', method, '-p', self.path, '-t', state, '--policy=preset:compat',
                 *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, **popen)

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory)

    def connect(self, seconds=5):
        """A new connection, as soon as the agent listens."""
        deadline = time.monotonic() + seconds
        while True:
            stream = socket.socket(socket.AF_UNIX)
            stream.settimeout(seconds)
            try:
                stream.connect(self.path)
                return stream
            except (FileNotFoundError, ConnectionRefusedError):
                stream.close()
                if self.process.poll() is not None:
                    raise AssertionError(f'the agent ended: {self.text()}') from None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def text(self):
        """What the agent has logged."""
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return log.read()

    def ticks(self):
        """Processor time so far, in ticks."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as stat:
            fields = stat.read().rpartition(')')[2].split()
        return int(fields[11]) + int(fields[12])

    def wake_ups(self):
        """How often the agent has waited for something."""
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as status:
            return int(next(line for line in status
                            if line.startswith('voluntary_ctxt_switches')).split()[1])

    def resident_mib(self, peak=False):
        """Resident memory, now or at its highest."""
        name = 'VmHWM' if peak else 'VmRSS'
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as status:
            line = next(line for line in status if line.startswith(name))
        return int(line.split()[1]) / 1024

    def stop(self, number=signal.SIGTERM, seconds=5):
        """Sends a signal and returns the exit code and how long the end took."""
        started = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(seconds)
        return code, time.monotonic() - started


def read_line(stream, seconds=5):
    """One line from STREAM, which must bring nothing behind it."""
    stream.settimeout(seconds)
    line = b''
    while not line.endswith(b'\n'):
        got = stream.recv(1 << 20)
        if not got:
            raise AssertionError(f'closed after {line!r}')
        line += got
    return line


def read_lines(stream, count, seconds=10):
    """COUNT lines from STREAM."""
    deadline = time.monotonic() + seconds
    got = b''
    while got.count(b'\n') < count:
        stream.settimeout(max(0.01, deadline - time.monotonic()))
        more = stream.recv(1 << 20)
        if not more:
            raise AssertionError(f'closed after {got.count(10)} of {count} lines')
        got += more
    return got.splitlines()


def ping(stream, seconds=5):
    """Asks for a ping and returns how long the answer took."""
    started = time.monotonic()
    stream.sendall(PING)
    line = read_line(stream, seconds)
    assert line == PONG, line
    return time.monotonic() - started


def sync(stream, number, seconds=5):
    """Returns the lines that came before the answer."""
    stream.sendall(json.dumps({'execute': 'guest-sync', 'arguments': {'id': number}}).encode())
    strays = []
    buffer = b''
    deadline = time.monotonic() + seconds
    while True:
        while b'\n' in buffer:
            line, _, buffer = buffer.partition(b'\n')
            if line == b'{"return": %d}' % number:
                return strays
            strays.append(line)
        stream.settimeout(max(0.01, deadline - time.monotonic()))
        buffer += stream.recv(1 << 20)


def push_until_full(stream, data):
    """Sends as much of DATA as is taken without waiting; returns how much."""
    stream.settimeout(0)
    sent = 0
    try:
        while sent < len(data):
            sent += stream.send(data[sent:sent + (1 << 20)])
    except BlockingIOError:
        pass
    return sent


def run(checks):
    """Runs all CHECKS, each with the agent's path; ends the process."""
    program = sys.argv[1]
    only = sys.argv[2:]
    failed = skipped = 0
    for check in checks:
        if only and check.__name__ not in only:
            continue
        try:
            note = check(program) or ''
            print(f'ok   {check.__name__} {note}', flush=True)
        except Skip as why:
            skipped += 1
            print(f'SKIP {check.__name__}: {why}', flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f'FAIL {check.__name__}\n{traceback.format_exc()}', flush=True)
    sys.exit(1 if failed else SKIPPED if skipped == len(checks) else 0)
