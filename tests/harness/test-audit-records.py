#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The records of a running agent. Usage: test-audit-records.py PROGRAM"""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from host import Failure
from policyhost import play

DECISION = "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a01"
START = "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a02"
END = "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a03"
LOAD = "7d0f8f5c2b2d4ab1a3d4b6d58e2f6a04"

POLICY = """[policy]
error-detail = full
[commands]
allow = @sync @info
[exec true]
path = /usr/bin/true
profile = unrestricted
[exec shell]
path = /bin/sh
args = -c {any}
profile = unrestricted
timeout = 1s
output = 64K
[file passwd]
path = /etc/passwd
access = read
"""


def burst(ask, agent):
    """300 refusals within a second, one act among them: the act is on record, and so is its end."""
    requests = []
    for number in range(300):
        requests.append({"execute": "guest-exec",
                         "arguments": {"path": "/usr/bin/id", "arg": [str(number)]}})
        if number == 280:
            requests.append({"execute": "guest-exec", "arguments": {"path": "/usr/bin/true"}})
    begun = time.monotonic()
    ask.link.send(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
    replies = [json.loads(ask.link.line(20)) for _ in requests]
    taken = time.monotonic() - begun
    assert taken < 1, f"{taken:.2f} s"
    assert sum("error" in reply for reply in replies) == 300
    pid = replies[281]["return"]["pid"]
    ask.finish(pid)
    agent.records(lambda r: r["MESSAGE_ID"] == END, 1)
    agent.records(lambda r: "TENON_LEFT_OUT" in r, 1)
    allowed = agent.records(lambda r: r.get("TENON_VERDICT") == "allow" and "TENON_PATH" in r)
    assert [r["TENON_RULE"] for r in allowed] == ["true"], allowed
    ref = allowed[0]["TENON_REF"]
    same = agent.records(lambda r: r.get("TENON_REF") == ref)
    assert [r["MESSAGE_ID"] for r in same] == [DECISION, START, END], same
    assert same[2]["TENON_EXIT"] == "0" and same[2]["TENON_CHILD_PID"] == str(pid)
    refused = len(agent.records(lambda r: r.get("TENON_VERDICT") == "deny"))
    left_out = sum(int(r["TENON_LEFT_OUT"])
                   for r in agent.records(lambda r: "TENON_LEFT_OUT" in r))
    assert refused + left_out == 300, (refused, left_out)
    assert 200 <= refused <= 260, refused
    numbers = [int(r["TENON_SEQ"]) for r in agent.records()]
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    print(f"     300 refusals in {taken:.2f} s: {refused} recorded, {left_out} counted")


def ends_have_reasons(ask, agent):
    """Attack: none; a time-out, a signal and an exit code are told apart in the records."""
    ask.finish(ask.start("exit 3"))
    ask.finish(ask.start("kill -9 $$"))
    ask.finish(ask.start("sleep 60"))
    ends = agent.records(lambda r: r["MESSAGE_ID"] == END, 3)
    assert [(r["TENON_REASON"], r.get("TENON_EXIT"), r.get("TENON_SIGNAL")) for r in ends] == [
        ("exit", "3", None), ("signal", None, "9"), ("timeout", None, "15")], ends
    assert len(agent.records(lambda r: r["MESSAGE_ID"] == START)) == 3


def output_is_counted(ask, agent):
    """How much a program said, whether all of it is kept, and which program it was."""
    ask.finish(ask("guest-exec", path="sh", arg=["-c", "echo out; echo err >&2"],
                   capture_output=True)["pid"])
    ask.finish(ask("guest-exec", path="/bin/sh", arg=["-c", "head -c 100000 /dev/zero"],
                   capture_output=True)["pid"])
    ends = agent.records(lambda r: r["MESSAGE_ID"] == END, 2)
    assert [(r["TENON_OUT_BYTES"], r.get("TENON_TRUNCATED")) for r in ends] == [
        ("8", None), ("100000", "yes")], ends
    begun = agent.records(lambda r: r["MESSAGE_ID"] == DECISION and "TENON_PATH" in r, 2)
    shell = os.path.join(os.path.realpath("/bin"), "sh")
    assert [(r["TENON_PATH"], r.get("TENON_RESOLVED", r["TENON_PATH"])) for r in begun] == [
        ("sh", shell), ("/bin/sh", shell)], begun


def files_are_recorded(ask, agent):
    """Reading a file leaves a record, as refusing to does."""
    path = "/etc/passwd"
    handle = ask("guest-file-open", path=path)
    ask("guest-file-close", handle=handle)
    ask.refused("guest-file-open", path="/etc/shadow")
    ask.refused("guest-file-open", path=path, mode="w")
    records = agent.records(lambda r: r.get("TENON_COMMAND") == "guest-file-open", 3)
    assert [(r["TENON_VERDICT"], r["TENON_PATH"], r.get("TENON_MODE")) for r in records] == [
        ("allow", path, None), ("deny", "/etc/shadow", None), ("deny", path, "w")], records


def nothing_is_forged(ask, agent):
    """Attack 70: line ends, escape sequences and turned text in arguments, paths and names."""
    evil = "a\nTENON_VERDICT=allow\r\x1b[2J\u202egnp.exe\x07\"},{\""
    ask.refused("guest-exec", path="/usr/bin/id", arg=[evil])
    ask.refused("guest-exec", path="/usr/bin/" + evil)
    ask.refused("guest-file-open", path="/etc/" + evil)
    records = agent.records(lambda r: r.get("TENON_VERDICT") == "deny", 3)
    assert len(records) == 3
    with open(os.path.join(agent.directory, "audit.jsonl"), "rb") as raw:
        lines = raw.read()
    for byte in (b"\x1b", b"\r", b"\x07", "\u202e".encode()):
        assert byte not in lines, byte
    for line in lines.decode().splitlines():
        json.loads(line)
    log = agent.read_log()
    assert "\x1b" not in log and "\u202e" not in log and "\nTENON_VERDICT" not in log, log


def flood(ask, agent):
    """Attack 71: 100,000 refusals as fast as they can be asked for."""
    ask("guest-ping")
    request = json.dumps({"execute": "guest-exec", "arguments": {
        "path": "/usr/bin/id", "arg": ["x" * 200]}}).encode() + b"\n"
    count, batch = 100000, 250
    begun = time.monotonic()
    for _ in range(count // batch):
        ask.link.send(request * batch)
        for _ in range(batch):
            if b"error" not in ask.link.line(20):
                raise Failure("it was allowed")
    taken = time.monotonic() - begun
    agent.records(lambda r: "TENON_LEFT_OUT" in r, 1)
    size = sum(os.path.getsize(os.path.join(agent.directory, name))
               for name in os.listdir(agent.directory) if name.startswith("audit.jsonl"))
    # 200 at once, 50 a second after that, a summary each second: about 1 KiB each.
    assert size < 2048 * (210 + 55 * (taken + 2)), (size, taken)
    peak = agent.expect_small(32 * 1024)
    assert ask("guest-ping") == {}
    print(f"     {count / taken:.0f} refusals/s, {size} bytes of records, {peak} KiB resident at most")


def policies_are_recorded(ask, agent):
    """A policy that is taken, and one that is not, leave records; the last good one holds on."""
    ask("guest-ping")
    agent.reload("[policy]\nmode = wrong\n")
    wrong = agent.records(lambda r: r["MESSAGE_ID"] == LOAD and r["TENON_VERDICT"] == "error", 1)
    assert "50-test.conf:2" in wrong[0]["TENON_REASON"], wrong
    ask.finish(ask("guest-exec", path="/usr/bin/true")["pid"])
    stale = agent.records(lambda r: r.get("TENON_RULE") == "true", 1)
    assert stale[0]["TENON_POLICY_STALE"] == "yes", stale


if __name__ == "__main__":
    play([(check, POLICY) for check in (
        burst, ends_have_reasons, output_is_counted, files_are_recorded, nothing_is_forged, flood,
        policies_are_recorded)], sys.argv[1])
