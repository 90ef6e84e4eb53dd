#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A gibibyte through a job whose output waits for its reader: each byte once, in little memory,
though the reader goes away at random. Usage: test-jobs-bulk.py PROGRAM"""
import hashlib
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from jobhost import Commands, decode, play

SIZE = 1 << 30
MOST_KIB = 4 * 1024
# Blocks that differ, from a generator that the reader has as well.
WRITER = """
import random, sys
block, out = random.Random(5).randbytes(1 << 20), sys.stdout.buffer
for i in range(int(sys.argv[1]) >> 20):
    out.write(i.to_bytes(8, "big"))
    out.write(block[8:])
"""


def digest_of(size):
    block, digest = random.Random(5).randbytes(1 << 20), hashlib.sha256()
    for i in range(size >> 20):
        digest.update(i.to_bytes(8, "big"))
        digest.update(block[8:])
    return digest.hexdigest()


def read_all(agent, number, dice):
    """Reads to the end over connections that break; the size and digest of what came."""
    have, digest, breaks = 0, hashlib.sha256(), 0
    link = agent.connect()
    while True:
        asked = {"job": number, "out_from": have, "wait_ms": 10000, "max_bytes": 1 << 20}
        if dice.random() < 0.02:  # in the middle of a reply
            text = (b'{"execute":"tenon-exec-read","arguments":{"job":%d,"out-from":%d,'
                    b'"wait-ms":10000,"max-bytes":1048576}}\n' % (number, have))
            link.send(text)
            link.socket.settimeout(20)
            link.socket.recv(dice.randrange(1, 1 << 16))
            link.close()
            link, breaks = agent.connect(), breaks + 1
        out = Commands(link)("tenon-exec-read", **asked)["out"]
        assert out["from"] == have and out["dropped"] == 0, (have, out["from"], out["dropped"])
        data = decode(out["b64"])
        digest.update(data)
        have += len(data)
        if out["end"]:
            link.close()
            return have, digest.hexdigest(), breaks


def gibibyte(ask, agent):
    number = ask("tenon-exec", path=sys.executable, arg=["-c", WRITER, str(SIZE)],
                 on_full="wait")["job"]
    agent.forget_peak()
    before = agent.status("VmRSS")
    have, digest, breaks = read_all(agent, number, random.Random(11))
    more = agent.status("VmHWM") - before
    print(f"     {have} bytes, {breaks} connections broken, {more} KiB more memory")
    last = ask("tenon-exec-read", job=number, out_from=have, wait_ms=10000)
    assert last.get("exit-code") == 0, (have, last, decode(last["err"]["b64"]))
    assert have == SIZE and digest == digest_of(SIZE) and breaks > 0, (have, digest, breaks)
    assert more <= MOST_KIB, more
    assert last["out"]["total"] == SIZE, last


play([gibibyte], sys.argv[1])
