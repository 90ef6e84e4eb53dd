#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Floods through a unix socket: what they may cost, and that the agent answers right after.
Usage: PROGRAM"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import PING, PONG, Agent, ping, push_until_full, read_lines, run


def begun_requests_share_a_bound(program):
    """64 clients begin 60 MiB each: the memory is bounded, others are answered, the oldest may end."""
    with Agent(program) as agent:
        piece = b'a' * (1 << 20)
        streams = [agent.connect() for _ in range(64)]
        for stream in streams:
            stream.sendall(b'{"execute":"guest-ping","id":"')
        total = 0
        quiet_since = time.monotonic()
        deadline = quiet_since + 20
        while time.monotonic() < min(quiet_since + 1, deadline):
            sent = sum(push_until_full(stream, piece) for stream in streams)
            total += sent
            if sent > 0:
                quiet_since = time.monotonic()
            else:
                time.sleep(0.02)
        assert total > 100 << 20, total
        seconds = ping(agent.connect())
        peak = agent.resident_mib(peak=True)
        # The 128 MiB of the budget, the oldest's 64 beyond it, and what growing costs.
        assert peak < 256, peak
        for stream in streams:
            stream.close()
        ping(agent.connect())
        time.sleep(1.5)
        after = agent.resident_mib()
        assert after < 12, after
        return f'{total >> 20} MiB taken, peak {peak:.0f} MiB, {after:.1f} MiB afterwards, ping {seconds * 1000:.0f} ms'


def an_endless_string_is_bounded(program):
    """150 MiB in one string: one error, at most 160 MiB resident, the next request right after."""
    with Agent(program) as agent:
        stream = agent.connect(60)
        stream.sendall(b'{"execute":"guest-ping","id":"')
        for _ in range(150):
            stream.sendall(b'a' * (1 << 20))
        stream.sendall(b'"}\n' + PING)
        lines = read_lines(stream, 2)
        assert b'"error"' in lines[0] and lines[1] == PONG.strip(), lines
        peak = agent.resident_mib(peak=True)
        assert peak < 160, peak
        return f'peak {peak:.0f} MiB'


def many_small_writes(program):
    """10^5 writes of one byte are requests like any other."""
    with Agent(program) as agent:
        stream = agent.connect(60)
        text = PING * 4000
        answers = b''
        for byte in range(0, 100000):
            stream.send(text[byte:byte + 1])
            if byte % 1000 == 999:
                while answers.count(b'\n') < (byte + 1) // len(PING):
                    answers += stream.recv(65536)
        assert answers == PONG * (100000 // len(PING))


run([
    begun_requests_share_a_bound,
    an_endless_string_is_bounded,
    many_small_writes,
])
