#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""isa-serial on a pseudo terminal: raw bytes, a hang-up, another line. Usage: PROGRAM"""

import os
import pty
import select
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import PING, PONG, Agent, run


class Line:
    """The host's end of a serial line; PLACE always names the guest's."""

    def __init__(self, place):
        self.host, guest = pty.openpty()
        name = os.ttyname(guest)
        os.symlink(name, place + '.new')
        os.rename(place + '.new', place)
        self.guest = guest

    def close(self):
        """Hangs up."""
        os.close(self.guest)
        os.close(self.host)

    def read(self, seconds=5):
        """What comes until a newline, or b''."""
        deadline = time.monotonic() + seconds
        got = b''
        while not got.endswith(b'\n'):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.host], [], [], left)[0]:
                break
            got += os.read(self.host, 65536)
        return got

    def ping(self, seconds=5):
        """Asks until there is an answer: what is written before the agent opens is flushed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            os.write(self.host, PING)
            if self.read(0.3).endswith(PONG):
                return
        raise AssertionError('no answer')


def a_raw_line_answers(program):
    """No echo, no translation of newlines, all eight bits."""
    with tempfile.TemporaryDirectory() as directory:
        place = os.path.join(directory, 'line')
        line = Line(place)
        with Agent(program, method='isa-serial', path=place) as agent:
            line.ping()
            attributes = termios.tcgetattr(line.guest)
            assert not attributes[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
            assert not attributes[1] & termios.OPOST
            os.write(line.host, b'\xff{"execute":"guest-sync-delimited","arguments":{"id":5}}\n')
            answer = line.read()
            assert answer == b'\xff{"return": 5}\n', answer
            assert agent.stop()[0] == 0


def a_hang_up_is_survived(program):
    """The line goes away and comes back; meanwhile SIGTERM works and nothing spins."""
    with tempfile.TemporaryDirectory() as directory:
        place = os.path.join(directory, 'line')
        line = Line(place)
        with Agent(program, method='isa-serial', path=place) as agent:
            line.ping()
            line.close()
            os.unlink(place)
            time.sleep(0.5)
            ticks = agent.ticks()
            time.sleep(1.5)
            assert agent.process.poll() is None
            assert agent.ticks() - ticks < 3
            line = Line(place)
            line.ping(10)
            line.close()
            code, seconds = agent.stop()
            assert code == 0 and seconds < 1, (code, seconds)


def a_missing_line_is_an_error(program):
    """Exit 1; with --retry-path it is waited for."""
    with tempfile.TemporaryDirectory() as directory:
        place = os.path.join(directory, 'line')
        with Agent(program, method='isa-serial', path=place) as agent:
            assert agent.process.wait(5) == 1
            assert f"error opening channel '{place}': No such file" in agent.text(), agent.text()
        with Agent(program, '-r', method='isa-serial', path=place) as agent:
            time.sleep(0.3)
            line = Line(place)
            line.ping(10)


run([
    a_raw_line_answers,
    a_hang_up_is_survived,
    a_missing_line_is_an_error,
])
