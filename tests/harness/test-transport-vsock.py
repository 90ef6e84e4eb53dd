#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vsock-listen: only the host's CID is served. Usage: PROGRAM"""

import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import PING, Agent, Skip, run

LOCAL_CID = 1  # VMADDR_CID_LOCAL
ANY_CID = 0xffffffff


def need_vsock():
    """Skips where the kernel has no such sockets."""
    try:
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as probe:
            probe.bind((ANY_CID, 0xffffffff))
    except OSError as why:
        raise Skip(f'no vsock here ({why})') from why


def a_bad_place_is_an_error(program):
    """CID:PORT, both decimal."""
    for place in ('', 'x', '3', '3:', ':5', '3:x', '0x3:5', '3:4294967296', '3:5:6'):
        with Agent(program, method='vsock-listen', path=place or ' ') as agent:
            assert agent.process.wait(5) == 1, place
            assert 'CID:PORT is expected' in agent.text(), agent.text()


def it_listens_and_ends(program):
    """Any CID; SIGTERM ends it in order."""
    need_vsock()
    port = 20000 + os.getpid() % 10000
    with Agent(program, method='vsock-listen', path=f'{ANY_CID}:{port}') as agent:
        time.sleep(0.5)
        assert agent.process.poll() is None, agent.text()
        with Agent(program, method='vsock-listen', path=f'{ANY_CID}:{port}') as second:
            assert second.process.wait(5) == 1
            assert 'Failed to bind socket' in second.text()
        assert agent.stop()[0] == 0


def another_machine_is_refused(program):
    """The local CID is not the host's."""
    need_vsock()
    port = 20000 + os.getpid() % 10000
    with Agent(program, method='vsock-listen', path=f'{ANY_CID}:{port}') as agent:
        with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as stream:
            stream.settimeout(5)
            time.sleep(0.5)
            try:
                stream.connect((LOCAL_CID, port))
            except OSError as why:
                raise Skip(f'no vsock_loopback here ({why})') from why
            try:
                stream.sendall(PING)
                assert stream.recv(100) == b''
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert 'CID 1 may not speak' in agent.text()


run([
    a_bad_place_is_an_error,
    it_listens_and_ends,
    another_machine_is_refused,
])
