#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""guest-exec and guest-exec-status as hosts use them. Usage: test-exec.py PROGRAM"""
import json
import os
import resource
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from jobhost import children_of, decode, encode, play


def streams_and_exit_code(ask, agent):
    status = ask.run("echo out; echo err >&2; exit 7")
    assert decode(status["out-data"]) == b"out\n" and decode(status["err-data"]) == b"err\n"
    assert status["exitcode"] == 7 and "signal" not in status
    assert list(status)[:2] == ["exited", "exitcode"]
    assert children_of(agent) == []


def capture_modes_again_and_again(ask, _agent):
    """Q1: the second use of one stream only hung, or took over a descriptor of the agent."""
    for mode in ["stdout", "stderr", "merged", "separated", "none", "stdout", "stderr"] * 3:
        status = ask.run("echo o; echo e >&2", capture_output=mode)
        assert ("out-data" in status) == (mode not in ("none", "stderr")), (mode, status)
        assert ("err-data" in status) == (mode in ("stderr", "separated")), (mode, status)
        if mode == "merged":
            assert decode(status["out-data"]) == b"o\ne\n"
        assert decode(ask.run("cat", input_data=encode(b"x"))["out-data"]) == b"x"


def limit_to_the_byte(ask, _agent):
    full = 16777216
    status = ask.run(f"head -c {full} /dev/zero")
    assert len(decode(status["out-data"])) == full and status["out-truncated"] is False
    status = ask.run(f"head -c {full + 1} /dev/zero >&2")
    assert len(decode(status["err-data"])) == full and status["err-truncated"] is True


def flood_is_cut(ask, agent):
    pid = ask.start("head -c 200000000 /dev/zero; exit 4", capture_output="stdout")
    assert ask("guest-ping") == {}
    status = ask.finish(pid)
    assert status["exitcode"] == 4 and status["out-truncated"] is True
    assert agent.status("VmHWM") < 64 * 1024, agent.status("VmHWM")


def status_is_told_twice(ask, _agent):
    pid = ask.start("echo x", capture_output=True)
    first = ask.finish(pid)
    assert first == ask("guest-exec-status", pid=pid)
    assert ask.refused("guest-exec-status", pid=1)["desc"] == "PID 1 does not exist"


def background_process_holds_nothing_up(ask, _agent):
    """Q9."""
    begun = time.monotonic()
    status = ask.run("echo now; sleep 3 & exit 0")
    assert time.monotonic() - begun < 1.5
    assert decode(status["out-data"]) == b"now\n"


def input_that_nobody_reads(ask, agent):
    """Q3: the agent burnt a CPU for ever, and a descriptor was lost."""
    ask("guest-ping")  # our connection counts
    descriptors = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
    for _ in range(3):
        assert ask.run("exit 5", input_data=encode(bytes(3 << 20)))["exitcode"] == 5
    # One that lives on and does not read.
    pid = ask.start("exec sleep 2", input_data=encode(bytes(3 << 20)))
    ticks = agent.cpu_ticks()
    time.sleep(1)
    assert agent.cpu_ticks() - ticks <= 10
    ask.finish(pid)
    assert len(os.listdir(f"/proc/{agent.process.pid}/fd")) == descriptors


def large_input_arrives(ask, _agent):
    data = os.urandom(3 << 20)
    assert decode(ask.run("cat", input_data=encode(data))["out-data"]) == data
    assert "out-data" not in ask.run("cat", input_data="")
    assert "out-data" not in ask.run("cat")


def programs_that_do_not_start(ask, agent):
    words = "Failed to execute child process “{}” ({})"
    script = os.path.join(agent.directory, "script")
    with open(script, "w", encoding="ascii") as out:
        out.write("#!/no/such/interpreter\n")
    cases = [("/no/such", "No such file or directory"), ("nosuch", "No such file or directory"),
             ("/usr", "Permission denied"), (script, "Permission denied")]
    for path, reason in cases:
        error = ask.refused("guest-exec", path=path)
        assert error == {"class": "GenericError", "desc": words.format(path, reason)}, error
    os.chmod(script, 0o700)
    error = ask.refused("guest-exec", path=script)
    assert error["desc"] == words.format(script, "No such file or directory"), error
    assert children_of(agent) == []


def signalled_child_has_an_exit_code(ask, _agent):
    assert ask.run("kill -9 $$") == {"exited": True, "exitcode": 137, "signal": 9}


def young_children_are_waited_for(ask, _agent):
    pid = ask.start("sleep 0.05")
    assert ask("guest-exec-status", pid=pid)["exited"] is True
    pid = ask.start("sleep 2")
    begun = time.monotonic()
    ask.link.send(json.dumps({"execute": "guest-exec-status", "arguments": {"pid": pid}}).encode() +
                  b'{"execute":"guest-ping"}\n')
    assert json.loads(ask.link.line()) == {"return": {"exited": False}}
    assert json.loads(ask.link.line()) == {"return": {}}
    assert time.monotonic() - begun < 0.09
    begun = time.monotonic()
    assert ask("guest-exec-status", pid=pid)["exited"] is False
    assert 0.09 < time.monotonic() - begun < 0.5
    time.sleep(1)
    begun = time.monotonic()
    ask("guest-exec-status", pid=pid)
    assert time.monotonic() - begun < 0.09


def many_in_flight_leave_nothing(ask, agent):
    ask("guest-ping")  # our connection counts
    descriptors = len(os.listdir(f"/proc/{agent.process.pid}/fd"))
    request = {"execute": "guest-exec", "arguments": {"path": "/bin/echo", "capture-output": True}}
    for _ in range(3):
        pids = []
        ask.link.send(b"".join(
            json.dumps({**request, "arguments": {**request["arguments"], "arg": [str(i)]}}).encode() +
            b"\n" for i in range(64)))
        pids = [json.loads(ask.link.line(20))["return"]["pid"] for _ in range(64)]
        for i, pid in enumerate(pids):
            assert decode(ask.finish(pid)["out-data"]) == b"%d\n" % i
    assert children_of(agent) == []
    assert len(os.listdir(f"/proc/{agent.process.pid}/fd")) == descriptors


def descriptors_run_out(ask, agent):
    ask("guest-ping")  # our connection counts
    limit = len(os.listdir(f"/proc/{agent.process.pid}/fd")) + 20
    resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (limit, 4096))
    pids, errors = [], set()
    for _ in range(20):
        try:
            pids.append(ask.start("exec sleep 30", capture_output=True))
        except Exception as why:  # pylint: disable=broad-except
            errors.add(str(why))
    assert pids and errors <= {"Too many open files", "Failed to fork (Too many open files)"}, errors
    for pid in pids:
        os.kill(pid, 9)
        assert ask.finish(pid)["signal"] == 9
    resource.prlimit(agent.process.pid, resource.RLIMIT_NOFILE, (1024, 4096))
    assert ask.run("exit 3")["exitcode"] == 3


def surroundings_of_the_child(ask, _agent):
    out = decode(ask.run("umask; ulimit -c; ls /proc/self/fd | tr '\\n' ' '; set -- $(cat "
                         "/proc/self/stat); [ $$ = $6 ] && echo session")["out-data"])
    assert out.split() == [b"0022", b"0", b"0", b"1", b"2", b"3", b"session"], out
    out = decode(ask("guest-exec-status", pid=ask(
        "guest-exec", path="/usr/bin/env", env=["A=1", "noequals"], capture_output=True)["pid"])
                 ["out-data"])
    assert out == b"A=1\nnoequals\n", out


def cost_does_not_grow_with_memory(ask, agent):
    """A fork would copy the page tables of all this."""
    def best():
        times = []
        for _ in range(20):
            begun = time.monotonic()
            ask("guest-exec", path="/bin/true")
            times.append(time.monotonic() - begun)
        return min(times)

    small = best()
    pids = [ask.start("head -c 16000000 /dev/zero", capture_output="stdout") for _ in range(4)]
    for pid in pids:
        ask.finish(pid)
    assert agent.status("VmRSS") > 40 * 1024
    # What memory costs, each of them pays; what a busy machine takes, not every one of many.
    large = best()
    for _ in range(10):
        if large >= small + 0.005:
            large = min(large, best())
    assert large < small + 0.005, (small, large)


def children_outlive_the_agent(ask, agent):
    pid = ask.start("exec sleep 20")
    agent.stop()
    time.sleep(0.2)
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        assert "State:\tZ" not in status.read()
    os.kill(pid, 9)


play([
    streams_and_exit_code,
    capture_modes_again_and_again,
    limit_to_the_byte,
    flood_is_cut,
    status_is_told_twice,
    background_process_holds_nothing_up,
    input_that_nobody_reads,
    large_input_arrives,
    programs_that_do_not_start,
    signalled_child_has_an_exit_code,
    young_children_are_waited_for,
    many_in_flight_leave_nothing,
    descriptors_run_out,
    surroundings_of_the_child,
    cost_does_not_grow_with_memory,
    children_outlive_the_agent,
], sys.argv[1])
