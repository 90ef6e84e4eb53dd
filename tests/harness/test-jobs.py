#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenon-exec and its verbs. Usage: test-jobs.py PROGRAM"""
import hashlib
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from jobhost import Commands, decode, encode, play


def job(ask, script, **arguments):
    return ask("tenon-exec", path="/bin/sh", arg=["-c", script], **arguments)


def one_round_trip(ask, _agent):
    reply = job(ask, "echo out; echo err >&2; exit 7", wait_ms=10000)
    assert reply["state"] == "ended" and reply["exit-code"] == 7 and reply["reason"] == "exit"
    assert decode(reply["out"]["b64"]) == b"out\n" and decode(reply["err"]["b64"]) == b"err\n"
    assert reply["out"]["end"] and reply["err"]["end"]
    assert reply["ended-ns"] >= reply["started-ns"] and reply["peak-bytes"] > 0
    merged = job(ask, "echo out; echo err >&2", merge=True, wait_ms=10000)
    assert decode(merged["out"]["b64"]) == b"out\nerr\n" and "err" not in merged
    assert "state" not in job(ask, "sleep 1", wait_ms=50)


def environment_and_directory(ask, _agent):
    reply = ask("tenon-exec", path="/bin/sh", arg=["-c", "echo $X:$PATH; pwd"], env=["X=1"],
                cwd="/usr", wait_ms=10000)
    first, second = decode(reply["out"]["b64"]).split()
    assert first.startswith(b"1:/") and second == b"/usr"


def reader_that_reconnects_at_random(ask, agent):
    """on-full wait: nothing is lost or doubled, whatever the reader does."""
    size, seed = 8 << 20, 7
    number = job(ask, f"head -c {size} /dev/urandom | "
                      f"tee {agent.directory}/copy", on_full="wait")["job"]
    dice, have, digest = random.Random(seed), 0, hashlib.sha256()
    link = agent.connect()
    while True:
        reply = Commands(link)("tenon-exec-read", job=number, out_from=have, wait_ms=10000,
                               max_bytes=dice.randrange(1, 300000))
        out = reply["out"]
        assert out["from"] == have and out["dropped"] == 0
        data = decode(out["b64"])
        if dice.random() < 0.2:  # the reply is lost; the same bytes are asked for again
            link.close()
            link = agent.connect()
            continue
        digest.update(data)
        have += len(data)
        if out["end"]:
            break
    link.close()
    assert have == size, have
    with open(f"{agent.directory}/copy", "rb") as copy:
        assert hashlib.sha256(copy.read()).digest() == digest.digest()


def wait_holds_little_memory(ask, agent):
    number = job(ask, "head -c 100000000 /dev/zero", on_full="wait")["job"]
    have = 0
    agent.forget_peak()
    before = agent.status("VmRSS")
    while True:
        out = ask("tenon-exec-read", job=number, out_from=have, wait_ms=10000, max_bytes=1 << 20)
        have += len(decode(out["out"]["b64"]))
        if out["out"]["end"]:
            break
    assert have == 100000000
    assert agent.status("VmHWM") - before < 8 * 1024, (before, agent.status("VmHWM"))


def tail_keeps_the_last(ask, _agent):
    reply = job(ask, "seq 1 100000", on_full="tail", output_max=1000, wait_ms=20000)["job"]
    out = ask("tenon-exec-read", job=reply, out_from=5, wait_ms=1000)["out"]
    assert decode(out["b64"]).endswith(b"\n100000\n")
    assert len(decode(out["b64"])) == 1000 and out["from"] == out["dropped"] == 588895 - 1000
    assert out["total"] == 588895 and out["end"]


def head_keeps_the_first(ask, _agent):
    out = job(ask, "seq 1 100000", output_max=1000, wait_ms=20000)["out"]
    assert decode(out["b64"]).startswith(b"1\n2\n") and len(decode(out["b64"])) == 1000
    assert out["total"] == 588895 and out["dropped"] == 587895 and out["end"]


def input_streams(ask, agent):
    number = job(ask, "sha256sum", stdin="open")["job"]
    dice, data, at = random.Random(3), os.urandom(3 << 20), 0
    while at < len(data):
        piece = data[at:at + dice.randrange(1, 400000)]
        reply = ask("tenon-exec-write", job=number, at=at, b64=encode(piece))
        if dice.random() < 0.3:  # the reply is lost; the same bytes are sent again
            again = ask("tenon-exec-write", job=number, at=at, b64=encode(piece))
            assert again["taken"] >= reply["taken"]
            reply = again
        at += reply["taken"]
    ask("tenon-exec-write", job=number, at=at, b64="", close=True)
    out = decode(ask("tenon-exec-read", job=number, wait_ms=10000)["out"]["b64"])
    assert out.split()[0].decode() == hashlib.sha256(data).hexdigest()
    assert agent.status("VmRSS") < 40 * 1024


def writer_is_held_back(ask, agent):
    number = job(ask, "while [ ! -e go ]; do sleep 0.05; done; wc -c", cwd=agent.directory,
                 stdin="open")["job"]
    at, taken = 0, 1
    while taken > 0 and at < 10 << 20:
        begun = time.monotonic()
        taken = ask("tenon-exec-write", job=number, at=at, b64=encode(bytes(1 << 20)))["taken"]
        at += taken
    assert at < 4 << 20 and time.monotonic() - begun > 0.9, at
    with open(f"{agent.directory}/go", "wb"):
        pass
    ask("tenon-exec-write", job=number, at=at, b64="", close=True)
    out = ask("tenon-exec-read", job=number, wait_ms=10000)["out"]
    assert decode(out["b64"]) == b"%d\n" % at


def signals_and_time_limits(ask, _agent):
    number = job(ask, "trap 'echo got; exit 9' TERM; echo up; while :; do sleep 0.1; done")["job"]
    ask("tenon-exec-read", job=number, wait_ms=5000)
    ask("tenon-exec-signal", job=number, signal="TERM", tree=False)
    reply = ask("tenon-exec-read", job=number, out_from=3, wait_ms=5000)
    while reply["state"] != "ended":
        reply = ask("tenon-exec-read", job=number, wait_ms=100)
    assert reply["exit-code"] == 9 and reply["reason"] == "exit"
    number = job(ask, "trap '' TERM; sleep 60 & while :; do sleep 1; done", timeout_ms=300,
                 grace_ms=200)["job"]
    reply = ask("tenon-exec-read", job=number, wait_ms=10000)
    assert reply["signal"] == 9 and reply["reason"] == "timeout", reply
    number = job(ask, "sleep 60")["job"]
    ask("tenon-exec-signal", job=number, signal="KILL")
    reply = ask("tenon-exec-read", job=number, wait_ms=10000)
    assert reply["signal"] == 9 and reply["reason"] == "killed"


def tree_that_hides_is_ended(ask, agent):
    """Forked twice, a session of its own, TERM ignored."""
    mark = f"{agent.directory}/pid"
    script = (f"setsid sh -c 'trap \"\" TERM; (echo $$ > {mark}; while :; do sleep 1; done) &' & "
              "trap '' TERM; while :; do sleep 1; done")
    number = job(ask, script, timeout_ms=700, grace_ms=300)["job"]
    reply = ask("tenon-exec-read", job=number, wait_ms=20000)
    assert reply["reason"] == "timeout" and reply["signal"] == 9, reply
    with open(mark, encoding="ascii") as text:
        pid = int(text.read())
    if not any(os.path.exists(path + "/cgroup.kill") or os.path.exists(path + "/cgroup.controllers")
               for path in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")):
        print("     no cgroup2 here: what hides in a session of its own is not looked for")
        return
    time.sleep(0.3)
    for process in os.listdir("/proc"):
        if process.isdigit():
            try:
                with open(f"/proc/{process}/cmdline", "rb") as words:
                    assert mark.encode() not in words.read(), process
            except (FileNotFoundError, ProcessLookupError):
                pass
    assert not os.path.exists(f"/proc/{pid}"), pid


def what_is_wrong_is_said(ask, _agent):
    number = job(ask, "echo x", wait_ms=10000)["job"]
    cases = [
        ("tenon-exec-read", {"job": number + 1000}, "no-such-job"),
        ("tenon-exec-read", {"job": 1}, "lost"),
        ("tenon-exec-read", {"job": number, "out-from": 3}, "out-of-range"),
        ("tenon-exec-write", {"job": number, "at": 0, "b64": "eA=="}, "closed"),
        ("tenon-exec-write", {"job": number, "at": 5, "b64": "eA=="}, "out-of-range"),
        ("tenon-exec-signal", {"job": number, "signal": "TERM"}, "closed"),
        ("tenon-exec-forget", {"job": job(ask, "sleep 5")["job"]}, "agent-busy"),
    ]
    for command, arguments, reason in cases:
        error = ask.refused(command, **arguments)
        assert error.get("reason") == reason, (command, arguments, error)
    assert ask.refused("tenon-exec-signal", job=number, signal="NONSENSE")["class"] == "GenericError"
    error = ask.refused("tenon-exec", path="/no/such")
    assert error["reason"] == "not-found", error
    ask("tenon-exec-forget", job=number)
    assert ask.refused("tenon-exec-read", job=number)["reason"] == "no-such-job"


def list_and_guest_exec_share_records(ask, _agent):
    number = job(ask, "echo hi; exit 3", name="greet", wait_ms=10000)["job"]
    pid = ask.start("sleep 3")
    jobs = ask("tenon-exec-list")
    assert [entry["state"] for entry in jobs] == ["ended", "running"]
    assert jobs[0]["name"] == "greet" and jobs[0]["job"] == number and jobs[0]["out-total"] == 3
    assert jobs[1]["pid"] == pid and "name" not in jobs[1]
    status = ask("guest-exec-status", pid=jobs[0]["pid"])
    assert status["exitcode"] == 3 and decode(status["out-data"]) == b"hi\n"


def a_thousand_readers(ask, agent):
    """In five turns, since a listener takes 256 connections."""
    for turn in range(5):
        mark = f"{agent.directory}/go{turn}"
        number = job(ask, f"while [ ! -e {mark} ]; do sleep 0.05; done; echo x")["job"]
        links = [agent.connect() for _ in range(200)]
        request = json.dumps({"execute": "tenon-exec-read", "arguments": {
            "job": number, "wait-ms": 30000}}).encode() + b"\n"
        for link in links:
            link.send(request)
        assert ask("guest-ping") == {}
        for link in links[::2]:
            link.close()  # while they wait
        with open(mark, "wb"):
            pass
        for link in links[1::2]:
            assert decode(json.loads(link.line(30))["return"]["out"]["b64"]) == b"x\n"
            link.close()
    assert ask("guest-ping") == {}


def what_came_too_late(ask, agent):
    """Bytes that were forgotten, and writes behind the end of the input: nothing else is lost."""
    number = job(ask, "echo abcdef; while [ ! -e go ]; do sleep 0.05; done; echo ghi",
                 on_full="wait", cwd=agent.directory)["job"]
    ask("tenon-exec-read", job=number, wait_ms=5000)
    ask("tenon-exec-read", job=number, out_from=4)
    out = ask("tenon-exec-read", job=number)["out"]  # below what a reader had confirmed
    assert out["from"] + len(decode(out["b64"])) == 7 and out["dropped"] == 0, out
    assert b"abcdef\n".endswith(decode(out["b64"])), out
    assert ask.refused("tenon-exec-read", job=number, out_from=8)["reason"] == "out-of-range"
    with open(f"{agent.directory}/go", "wb"):
        pass
    out = ask("tenon-exec-read", job=number, out_from=7, wait_ms=5000)["out"]
    assert decode(out["b64"]) == b"ghi\n", out
    number = job(ask, "cat; sleep 30", stdin="open")["job"]
    ask("tenon-exec-write", job=number, at=0, b64=encode(b"in"), close=True)
    assert ask.refused("tenon-exec-write", job=number, at=2, b64=encode(b"x"))["reason"] == "closed"
    assert ask("tenon-exec-read", job=number, wait_ms=5000)["out"]["total"] == 2
    ask("tenon-exec-signal", job=number, signal="KILL")


def wait_is_cut_to_the_limit(ask, agent):
    """A listener waits for half a minute at most, whatever is asked for."""
    number = job(ask, "sleep 100")["job"]
    with agent.connect() as link:
        begun = time.monotonic()
        link.send(b'{"execute":"tenon-exec-read","arguments":{"job":%d,"wait-ms":3600000}}\n'
                  % number)
        assert ask("guest-ping") == {}  # others are not held up
        reply = json.loads(link.line(40))["return"]
        assert reply["state"] == "running" and 29 < time.monotonic() - begun < 38, reply
    ask("tenon-exec-signal", job=number, signal="KILL")


def memory_is_full(ask, _agent):
    """The output of all jobs reaches its bound: what waits loses nothing, what keeps its head
    loses the rest and says so, and both go on."""
    heads = [job(ask, "head -c 16000000 /dev/zero")["job"] for _ in range(6)]
    replies = [ask("tenon-exec-read", job=number, wait_ms=20000, max_bytes=1) for number in heads]
    while any(reply["state"] != "ended" for reply in replies):
        replies = [ask("tenon-exec-read", job=number, max_bytes=1) for number in heads]
    kept = sum(reply["out"]["total"] - reply["out"]["dropped"] for reply in replies)
    assert all(reply["out"]["total"] == 16000000 for reply in replies), replies
    assert kept <= 64 << 20 and any(reply["out"]["dropped"] > 0 for reply in replies), kept
    number, have = job(ask, "seq 1 400000", on_full="wait")["job"], b""
    while True:
        out = ask("tenon-exec-read", job=number, out_from=len(have), wait_ms=20000)["out"]
        assert out["dropped"] == 0 and out["from"] == len(have), out["from"]
        have += decode(out["b64"])
        if out["end"]:
            break
    assert have == b"".join(b"%d\n" % i for i in range(1, 400001))


play([
    one_round_trip,
    environment_and_directory,
    reader_that_reconnects_at_random,
    wait_holds_little_memory,
    tail_keeps_the_last,
    head_keeps_the_first,
    input_streams,
    writer_is_held_back,
    signals_and_time_limits,
    tree_that_hides_is_ended,
    what_is_wrong_is_said,
    list_and_guest_exec_share_records,
    a_thousand_readers,
    what_came_too_late,
    wait_is_cut_to_the_limit,
    memory_is_full,
], sys.argv[1])
