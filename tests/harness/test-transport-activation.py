#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Socket activation: the listener is inherited as descriptor 3. Usage: PROGRAM"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import PING, PONG, ping, read_line, run

SHELL = 'exec 3<&{fd}; LISTEN_PID=$${pid} LISTEN_FDS={count} exec "$@"'


class Activated:
    """An agent that was started for the first connection to a socket."""

    def __init__(self, program, listener, count=1, pid='', options=()):
        self.directory = tempfile.mkdtemp(prefix='tenon-activation-')
        self.log = os.path.join(self.directory, 'log')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                ['sh', '-c', SHELL.format(fd=listener.fileno(), count=count, pid=pid), 'sh',
                 program, '-t', self.directory, '--policy=preset:compat', *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listener.fileno()])

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory)

    def text(self):
        """What the agent has logged."""
        with open(self.log, encoding='utf-8', errors='replace') as log:
            return log.read()


class Place:
    """A listening socket, as a service manager makes one."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix='tenon-listener-')
        self.path = os.path.join(self.directory, 'socket')
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(10)

    def __enter__(self):
        return self

    def __exit__(self, *_unused):
        self.listener.close()
        shutil.rmtree(self.directory)

    def connect(self):
        """A connection; it waits in the backlog until there is an agent."""
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(5)
        stream.connect(self.path)
        return stream


def the_inherited_listener_is_served(program):
    """Also the connection that was there before, whatever -m and -p say; the socket stays."""
    with Place() as place:
        early = place.connect()
        early.sendall(PING)
        with Activated(program, place.listener,
                       options=['-m', 'virtio-serial', '-p', '/nonexistent']) as agent:
            assert read_line(early) == PONG
            ping(place.connect())
            agent.process.send_signal(signal.SIGTERM)
            assert agent.process.wait(5) == 0, agent.text()
            assert os.path.exists(place.path)
        with Activated(program, place.listener):
            ping(place.connect())


def variables_for_another_process_are_ignored(program):
    """LISTEN_PID names somebody else: the arguments count."""
    with Place() as place:
        with Activated(program, place.listener, pid='1',
                       options=['-m', 'unix-listen', '-p', place.path + '2']) as agent:
            deadline = time.monotonic() + 5
            while not os.path.exists(place.path + '2') and time.monotonic() < deadline:
                time.sleep(0.01)
            stream = socket.socket(socket.AF_UNIX)
            stream.connect(place.path + '2')
            ping(stream)
            assert agent.process.poll() is None


def other_descriptors_are_refused(program):
    """Not a listener, or more than one."""
    one, two = socket.socketpair()
    with Activated(program, one) as agent:
        assert agent.process.wait(5) == 1
        assert 'socket activation' in agent.text(), agent.text()
    two.close()
    with Place() as place:
        with Activated(program, place.listener, count=2) as agent:
            assert agent.process.wait(5) == 1, agent.text()


run([
    the_inherited_listener_is_served,
    variables_for_another_process_are_ignored,
    other_descriptors_are_refused,
])
