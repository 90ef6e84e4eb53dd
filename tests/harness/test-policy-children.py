#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks of children and on them, in a running agent. Usage: test-policy-children.py PROGRAM

The table tests/unit/policy/attacks.md says which attack is where.
"""
import glob
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from host import SLOW, Failure, Link
from jobhost import Commands, decode
from policyhost import play

POLICY = """[policy]
error-detail = full
[commands]
allow = @sync @info
[profile kills]
base = baseline
deny = sethostname
on-violation = kill
[exec impatient]
path = /bin/sh
args = -c {any}
profile = baseline
timeout = 1s
kill-grace = 1s
[exec patient]
path = /usr/bin/env
args = sh -c {any}
profile = baseline
timeout = 60s
kill-grace = 1s
output = 1M
[exec rename]
path = /usr/bin/hostname
args = {word}
profile = kills
[exec flood]
path = /usr/bin/yes
on-overflow = kill
output = 100K
profile = baseline
[exec nobody]
path = /usr/bin/nice
args = sh -c {any}
user = nobody
profile = no-network+read-only
timeout = 60s
[profile alone]
base = no-network+read-only
pidns = yes
[exec alone]
path = /usr/bin/chrt
args = -o 0 sh -c {any}
user = nobody
profile = alone
timeout = 60s
kill-grace = 1s
[exec setuid]
path = /usr/bin/nohup
args = {rest}
user = nobody
profile = baseline
[exec free-setuid]
path = /usr/bin/setsid
args = {rest}
user = nobody
no-new-privs = no
profile = unrestricted
"""


def alive(mark):
    """Processes whose command line holds MARK."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as text:
                if mark.encode() in text.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def wait_gone(mark, seconds=5):
    """They are gone, at once or very soon."""
    end = time.monotonic() + seconds * SLOW
    while alive(mark):
        if time.monotonic() > end:
            raise Failure(f"{alive(mark)} go on")
        time.sleep(0.05)


def run(ask, path, script, **arguments):
    """One of the rules that run a script, to its end."""
    words = {"/bin/sh": ["-c", script]}.get(path, ["sh", "-c", script])
    pid = ask("guest-exec", path=path, arg=words, capture_output=True, **arguments)["pid"]
    return ask.finish(pid)


def how(status):
    """What a host can tell of an end."""
    return (status.get("tenon", {}).get("reason"), status.get("signal"), status["exitcode"])


def ends_are_told_apart(ask, _agent):
    """By guest-exec-status, by tenon-exec-read, and by KubeVirt, which reads exitcode alone."""
    ends = {
        "exit": run(ask, "/usr/bin/env", "exit 3"),
        "signal": run(ask, "/usr/bin/env", "kill -9 $$"),
        "timeout": run(ask, "/bin/sh", "sleep 60"),
        "seccomp": ask.finish(ask("guest-exec", path="/usr/bin/hostname", arg=["other"])["pid"]),
        "output-limit": ask.finish(ask("guest-exec", path="/usr/bin/yes",
                                       capture_output=True)["pid"]),
    }
    assert {name: how(status) for name, status in ends.items()} == {
        "exit": (None, None, 3), "signal": (None, 9, 137), "timeout": ("timeout", 15, 143),
        "seccomp": ("seccomp", 31, 159), "output-limit": ("output-limit", 9, 137)}, ends
    # Where an audit daemon takes the kernel's records, or none are written, the call is not known.
    if os.path.exists("/dev/kmsg") and "syscall" in ends["seccomp"]["tenon"]:
        assert ends["seccomp"]["tenon"]["syscall"] == "sethostname", ends["seccomp"]
    for name, status in ends.items():
        # KubeVirt's exec.go: the struct's zero where the key is missing is success.
        assert status.get("exitcode", 0) != 0, (name, status)
    listed = {job["reason"] for job in ask("tenon-exec-list")}
    assert listed == set(ends), listed
    job = ask("tenon-exec", path="/usr/bin/hostname", arg=["other"])["job"]
    told = ask("tenon-exec-read", job=job, wait_ms=5000)
    while told["state"] == "running":
        told = ask("tenon-exec-read", job=job, wait_ms=5000)
    assert told["reason"] == "seccomp" and told["signal"] == 31, told


def daemon_ends_with_its_timeout(ask, _agent):
    """Attack 39: forked twice, a session of its own, deaf to TERM and HUP."""
    if not os.path.exists("/sys/fs/cgroup/cgroup.kill") and not glob.glob(
            "/sys/fs/cgroup/**/cgroup.controllers"):
        print("     SKIP no cgroup2 here")
        return
    mark = f"sleep 4{os.getpid()}"
    status = run(ask, "/bin/sh", f"setsid sh -c 'trap \"\" TERM HUP; (setsid {mark} &); {mark}' & "
                                 "sleep 60")
    assert how(status)[0] == "timeout", status
    wait_gone(mark.replace(" ", "\0"))


def deaf_and_stopped(ask, _agent):
    """Attack 40: ignores TERM, or has stopped itself: answered, and gone after the grace."""
    for script in ("trap '' TERM; while :; do sleep 0.1; done", "kill -STOP $$; sleep 60"):
        begun = time.monotonic()
        status = run(ask, "/bin/sh", script)
        taken = time.monotonic() - begun
        assert how(status)[0] == "timeout", (script, status)
        assert taken < 3 * SLOW, taken


def cannot_harm_the_agent(ask, agent):
    """Attacks 33, 43 and 47: signals, memory and sockets of the agent, for another user."""
    script = (f"kill -9 {agent.process.pid} && exit 90; cat /proc/{agent.process.pid}/mem && exit 91;"
              f"cat /proc/{agent.process.pid}/environ && exit 92;"
              f"ls /proc/{agent.process.pid}/fd/ && exit 93; ls {agent.directory} && exit 94;"
              "for port in /dev/virtio-ports/* /dev/vport*; do true >$port && exit 95; done; exit 7")
    status = run(ask, "/usr/bin/nice", script)
    assert status["exitcode"] == 7, (status, decode(status["err-data"]))
    assert ask("guest-ping") == {}
    mode = stat.S_IMODE(os.stat(agent.path).st_mode)
    assert mode & 0o077 == 0, oct(mode)


def output_held_open(ask, _agent):
    """Attack 44: a process in the background keeps stdout open."""
    begun = time.monotonic()
    status = run(ask, "/usr/bin/env", f"echo now; sleep 3{os.getpid() % 1000} & exit 5")
    assert status["exitcode"] == 5 and decode(status["out-data"]) == b"now\n", status
    assert time.monotonic() - begun < 2 * SLOW
    for pid in alive(f"sleep\0003{os.getpid() % 1000}"):
        os.kill(pid, 9)


def much_output_in_small_pieces(ask, agent):
    """Attack 45: 1 GiB, and single bytes without a pause."""
    before = agent.status("VmRSS")
    status = run(ask, "/usr/bin/env", "head -c 1073741824 /dev/zero; exit 4")
    assert status["exitcode"] == 4 and status["out-truncated"] is True, list(status)
    assert len(decode(status["out-data"])) == 1 << 20, len(decode(status["out-data"]))
    status = run(ask, "/usr/bin/env", "dd if=/dev/zero bs=1 count=300000 2>/dev/null")
    assert len(decode(status["out-data"])) == 300000
    pid = ask("guest-exec", path="/usr/bin/env", arg=["sh", "-c", "exec cat /dev/zero"],
              capture_output=True)["pid"]
    ticks = agent.cpu_ticks()
    time.sleep(1)
    # An agent that drops a flood takes its share of the two, and still answers.
    begun = time.monotonic()
    assert ask("guest-ping") == {}
    assert time.monotonic() - begun < 0.5 * SLOW
    used = (agent.cpu_ticks() - ticks) / os.sysconf("SC_CLK_TCK")
    os.kill(pid, 9)
    ask.finish(pid)
    grown = agent.expect_small(16 * 1024, before)
    print(f"     {used:.2f} s of a CPU for a second of flood, {grown} KiB at most on top")


def setuid_gains_nothing(ask, _agent):
    """Attack 48: a setuid program, with no-new-privs and, to see it work, without."""
    scratch = tempfile.mkdtemp(prefix="tn-setuid-", dir="/var/lib")
    program = os.path.join(scratch, "id")
    try:
        os.chmod(scratch, 0o755)
        shutil.copy("/usr/bin/id", program)
        os.chmod(program, 0o4755)

        def effective(path):
            pid = ask("guest-exec", path=path, arg=[program, "-u"], capture_output=True)["pid"]
            return decode(ask.finish(pid)["out-data"]).decode().strip()

        options = subprocess.run(["findmnt", "-no", "OPTIONS", "-T", scratch], text=True,
                                 stdout=subprocess.PIPE, check=False).stdout
        assert effective("/usr/bin/nohup") == "65534"
        if "nosuid" not in options.split(","):
            assert effective("/usr/bin/setsid") == "0", "the attack does not work at all"
    finally:
        shutil.rmtree(scratch)


def writes_and_siblings(ask, agent):
    """Attack 49: the agent's directories and programs of other users."""
    sibling = ask("guest-exec", path="/usr/bin/env", arg=["sh", "-c", "sleep 50"])["pid"]
    script = (f"kill -9 {sibling} && exit 90; mkdir -p /run/tenon && true >/run/tenon/x && exit 91;"
              f"true >{agent.directory}/x && exit 92; true >/etc/tenon/x && exit 93; exit 7")
    status = run(ask, "/usr/bin/nice", script)
    assert status["exitcode"] == 7, (status, decode(status["err-data"]))
    assert ask("guest-exec-status", pid=sibling)["exited"] is False
    os.kill(sibling, 9)
    assert how(ask.finish(sibling)) == (None, 9, 137)


def siblings_of_one_user(ask, agent):
    """Attack 49, the other half: under S4 programs of one user are out of each other's reach."""
    def begin(script):
        return ask("guest-exec", path="/usr/bin/chrt", arg=["-o", "0", "sh", "-c", script],
                   capture_output=True)["pid"]

    siblings = [begin("sleep 50"),
                ask("guest-exec", path="/usr/bin/nice", arg=["sh", "-c", "sleep 50"])["pid"]]
    for sibling in siblings:
        status = ask.finish(begin(f"kill -9 {sibling} && exit 90; kill -9 -1; exit 7"))
        assert status["exitcode"] == 7, (status, decode(status["err-data"]))
    # Its own it may signal.
    assert ask.finish(begin("sleep 50 & kill -9 $!; wait $!; exit $?"))["exitcode"] == 137
    for sibling in siblings:
        assert ask("guest-exec-status", pid=sibling)["exited"] is False
    # Without the namespace one user is one user.
    status = run(ask, "/usr/bin/nice", f"kill -9 {siblings[1]}; exit 8")
    assert status["exitcode"] == 8, status
    assert how(ask.finish(siblings[1])) == (None, 9, 137)
    os.kill(siblings[0], 9)
    assert how(ask.finish(siblings[0])) == (None, 9, 137)


def statuses_of_strangers(ask, agent):
    """Attack 7: pids that are not this channel's programs."""
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        for pid in (stranger.pid, agent.process.pid, 1, 0, -1, 2**31, 2**53):
            words = ask.refused("guest-exec-status", pid=pid)["desc"]
            assert "does not exist" in words or "PID" in words, words
    finally:
        stranger.kill()
        stranger.wait()
    pid = ask("guest-exec", path="/usr/bin/env", arg=["sh", "-c", "exit 6"])["pid"]
    assert ask.finish(pid)["exitcode"] == 6
    # A listener's programs belong to the listener: another connection of it may ask.
    with Link(agent.path) as other:
        assert Commands(other)("guest-exec-status", pid=pid)["exitcode"] == 6


def host_may_ask(ask, agent):
    """A dry run says what the agent would do, and does nothing."""
    for path, argv in (("/usr/bin/hostname", ["other"]), ("/usr/bin/hostname", []),
                       ("/bin/sh", ["-c", "true"]), ("/usr/bin/id", [])):
        told = ask("tenon-policy-check", path=path, arg=argv)
        assert f"program: {path}" in told["text"] or path == "/bin/sh", told
        if told["allowed"]:
            assert "verdict: allowed by " in told["text"] and "strength: S1" in told["text"], told
            ask.finish(ask("guest-exec", path=path, arg=argv)["pid"])
        else:
            assert "verdict: denied by default" in told["text"], told
            words = ask.refused("guest-exec", path=path, arg=argv)["desc"]
            reason = words.split("]: ", 1)[1]
            assert f"reason: {reason}" in told["text"], (told, words)
    assert len(agent.records(lambda r: r.get("TENON_VERDICT") == "allow" and "TENON_PATH" in r)) == 2


def strengths_are_computed(ask, agent):
    """What a rule is worth follows from what it does."""
    for path, argv, strength in (
            ("/usr/bin/hostname", ["other"], "S1"), ("/usr/bin/nice", ["sh", "-c", "x"], "S3"),
            ("/usr/bin/chrt", ["-o", "0", "sh", "-c", "x"], "S4")):
        told = ask("tenon-policy-check", path=path, arg=argv)
        assert f"strength: {strength}" in told["text"], (path, told)


def host_may_not_ask(ask, _agent):
    """Unless the owner names that group; a star is not enough."""
    assert "has been disabled" in ask.refused("tenon-policy-check", path="/bin/sh")["desc"]


if __name__ == "__main__":
    ASKING = POLICY.replace("@sync @info", "@sync @info @introspect")
    play([(host_may_ask, ASKING), (strengths_are_computed, ASKING),
          (host_may_not_ask, POLICY.replace("@sync @info", "*")),
          (host_may_not_ask, "[policy]\nmode = compat\n")] + [(check, POLICY) for check in (
        ends_are_told_apart, daemon_ends_with_its_timeout, deaf_and_stopped,
        cannot_harm_the_agent, output_held_open, much_output_in_small_pieces,
        setuid_gains_nothing, writes_and_siblings, siblings_of_one_user,
        statuses_of_strangers)], sys.argv[1])
