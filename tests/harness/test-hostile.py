#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile input through a unix socket: one error line at most, the next request right after, and
bounded memory. Usage: PROGRAM, with the corpus printer in TENON_TEST_TEXTS"""

import base64
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import PING, PONG, Agent, ping, read_line, read_lines, run

PARSE_ERROR = b'{"error": {"class": "GenericError", "desc": "JSON '


def one_error(stream, data, desc=None):
    """DATA is answered by one error, and the request behind it is served."""
    stream.sendall(data + b'\n' + PING)
    lines = read_lines(stream, 2, 30)
    assert len(lines) == 2 and lines[1] + b'\n' == PONG, lines[:3]
    if desc is None:
        assert lines[0].startswith(PARSE_ERROR), lines[0][:200]
    else:
        assert json.loads(lines[0])['error']['desc'] == desc, lines[0][:200]


def bounded(program, agent, limit_mib):
    """The highest resident size in MiB. A sanitizer keeps what was freed, so there it says little."""
    peak = agent.resident_mib(peak=True)
    with open(program, 'rb') as binary:
        is_sanitized = b'__asan_init' in binary.read()
    assert peak < limit_mib or is_sanitized, peak
    return peak


def deep_nesting(program):
    """100,000 and 10^6 open brackets and braces."""
    with Agent(program) as agent:
        with agent.connect(30) as stream:
            for count in (1100, 100_000, 1_000_000):
                for piece in (b'[', b'{"a":', b'[{"a":'):
                    one_error(stream, piece * count)
                    one_error(stream, b'{"execute":"guest-ping","id":' + piece * count)
        peak = bounded(program, agent, 32)
        ping(agent.connect())
        return f'peak {peak:.1f} MiB'


def many_tokens(program):
    """More tokens than the limit, in arrays and in objects."""
    with Agent(program) as agent:
        with agent.connect(30) as stream:
            one_error(stream, b'[' + b'0,' * 1_000_000 + b'0]')
            one_error(stream, b'{"execute":"guest-ping","id":[' + b'{},' * 1_000_000 + b'0]}')
            one_error(stream, b'{' + b','.join(b'"%d":0' % i for i in range(300_000)) + b'}')
            # below the limit, and all keys in one hash chain or not: it must not take long
            keys = b','.join(b'"%d":0' % i for i in range(100_000))
            one_error(stream, b'{"execute":"guest-sync","arguments":{' + keys + b'}}',
                      "Parameter 'id' is missing")
        peak = bounded(program, agent, 64)
        return f'peak {peak:.1f} MiB'


def bad_utf8(program):
    """Overlong, truncated, surrogate and far too high sequences, in values, keys and names."""
    bad = [b'\x80', b'\xbf', b'\xc0\x80', b'\xc1\xbf', b'\xc3', b'\xc3(', b'\xe0\x80\x80', b'\xe2\x82',
           b'\xed\xa0\x80', b'\xed\xb0\x80', b'\xf0\x80\x80\x80', b'\xf4\x90\x80\x80',
           b'\xf5\x80\x80\x80', b'\xf8\x88\x80\x80\x80', b'\xfe', b'\xf0\x9f\x98']
    with Agent(program) as agent, agent.connect() as stream:
        for sequence in bad:
            one_error(stream, b'{"execute":"guest-ping","id":"%s"}' % sequence)
            one_error(stream, b'{"%s":1}' % sequence)
            one_error(stream, b'{"execute":"%s"}' % sequence)
            one_error(stream, sequence)
        for escape in (b'\\ud800', b'\\udc00', b'\\ud800\\ud800', b'\\ud800x', b'\\u12', b'\\u12g4', b'\\x'):
            one_error(stream, b'{"execute":"guest-ping","id":"%s"}' % escape)
        return f'{4 * len(bad) + 7} inputs'


def numbers(program):
    """What is no number, and numbers that are none for an integer."""
    with Agent(program) as agent, agent.connect() as stream:
        for text in (b'010', b'0x10', b'NaN', b'Infinity', b'-Infinity', b'+1', b'.5', b'1.', b'1e',
                     b'1e+', b'-', b'--1', b'1_000', b'\xef\xbc\x91'):
            one_error(stream, b'{"execute":"guest-sync","arguments":{"id":%s}}' % text)
        for text in (b'9223372036854775808', b'-9223372036854775809', b'18446744073709551617',
                     b'1e999', b'-1e999', b'1.0', b'1e2', b'9' * 10000):
            one_error(stream, b'{"execute":"guest-sync","arguments":{"id":%s}}' % text,
                      "Invalid parameter type for 'id', expected: integer")
            stream.sendall(b'{"execute":"guest-ping","id":%s}' % text)
            assert read_line(stream) == b'{"return": {}, "id": %s}\n' % text
        return ''


def ids_with_newlines(program):
    """An id never brings a raw newline or byte into a reply."""
    with Agent(program) as agent, agent.connect() as stream:
        stream.sendall(b'{"execute":"guest-ping","id":{"a":\n1}}')
        assert read_line(stream) == b'{"return": {}, "id": {"a":1}}\n'
        stream.sendall('{"execute":"guest-ping","id":["\u20ac\u2028\x7f", \n\t[\r\n]]}'.encode())
        assert read_line(stream) == b'{"return": {}, "id": ["\\u20AC\\u2028\\u007F",[]]}\n'
        return ''


def large_ids(program):
    """A request whose id is many megabytes is refused, not echoed."""
    with Agent(program) as agent:
        with agent.connect(30) as stream:
            one_error(stream, b'{"execute":"guest-ping","id":"' + b'\x7f' * (60 << 20) + b'"}',
                      "QMP input member 'id' is longer than 65536 bytes")
            one_error(stream, b'{"execute":"guest-ping","id":[' + b'1,' * 100_000 + b'1]}',
                      "QMP input member 'id' is longer than 65536 bytes")
        peak = bounded(program, agent, 160)
        return f'peak {peak:.0f} MiB'


def large_names(program):
    """Names and words of many megabytes come back cut, and cost no multiple of themselves."""
    with Agent(program) as agent:
        with agent.connect(30) as stream:
            name = b'\x7f' * (20 << 20)
            for request in (b'{"execute":"%s"}' % name, b'{"%s":1}' % name,
                            b'{"execute":"guest-ping","arguments":{"%s":1}}' % name):
                stream.sendall(request + PING)
                lines = read_lines(stream, 2, 30)
                assert len(lines[0]) < 200_000, len(lines[0])
                assert lines[1] + b'\n' == PONG
        peak = bounded(program, agent, 160)
        return f'peak {peak:.0f} MiB'


def corpus_over_the_wire(program):
    """Every text of the corpus: as many lines as it has messages and errors, then the next request."""
    texts = subprocess.run([os.environ['TENON_TEST_TEXTS']], check=True, capture_output=True, text=True).stdout.split('\n')
    texts = [line.split(' ') for line in texts if line]
    assert len(texts) > 300
    with Agent(program) as agent, agent.connect() as stream:
        for number, (text, verdict) in enumerate(texts):
            data = base64.b64decode(text)
            count = len(verdict.rstrip('.'))
            stream.sendall(data + b' \xff{"execute":"guest-sync","arguments":{"id":%d}}' % number)
            lines = read_lines(stream, count + 1)
            assert lines[-1] == b'{"return": %d}' % number and len(lines) == count + 1, (data, lines)
            for line in lines[:-1]:
                assert line.isascii() and line.startswith((b'{"error": ', b'{"return": ')), (data, line)
        return f'{len(texts)} texts'


run([
    deep_nesting,
    many_tokens,
    bad_utf8,
    numbers,
    ids_with_newlines,
    large_ids,
    large_names,
    corpus_over_the_wire,
])
