#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that outlive their agent: re-execution on SIGUSR2, and a restart by a service manager that
keeps descriptors (played here, after sd_notify(3) and sd_listen_fds(3)). Usage: PROGRAM"""
import array
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from host import Agent, Failure, Link
from jobhost import Commands, Refused, decode, encode, play


def begin_again(ask, agent):
    """Sends SIGUSR2, sees the connection end and connects to what the agent has become."""
    agent.process.send_signal(signal.SIGUSR2)
    ask.link.socket.settimeout(20)
    assert ask.link.socket.recv(1) == b""
    ask.link.close()
    return connect(agent.path)


def connect(path):
    """A connection that answers."""
    end = time.monotonic() + 20
    while True:
        try:
            commands = Commands(Link(path))
            commands("guest-ping")
            return commands
        except (Failure, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def read_on(ask, number, have):
    """One read; HAVE grows by what came."""
    reply = ask("tenon-exec-read", job=number, out_from=len(have), wait_ms=5000)
    assert reply["out"]["from"] == len(have) and reply["out"]["dropped"] == 0, reply
    have += decode(reply["out"]["b64"])
    return reply


def exit_code_and_both_lines(ask, agent):
    pid = agent.process.pid
    number = ask("tenon-exec", path="/bin/sh",
                 arg=["-c", "echo before; sleep 1; echo after; exit 3"])["job"]
    old = ask.start("sleep 1; exit 4", capture_output=True)
    done = ask("tenon-exec", path="/bin/echo", arg=["done"], wait_ms=5000)["job"]
    ask = begin_again(ask, agent)
    assert agent.process.pid == pid and agent.process.poll() is None
    have = bytearray()
    reply = read_on(ask, number, have)
    while not reply["out"]["end"] or reply["state"] != "ended":
        reply = read_on(ask, number, have)
    assert bytes(have) == b"before\nafter\n", have
    assert reply["exit-code"] == 3 and reply["reason"] == "exit", reply
    assert ask.finish(old)["exitcode"] == 4
    assert decode(ask("tenon-exec-read", job=done)["out"]["b64"]) == b"done\n"
    new = ask("tenon-exec", path="/bin/true", wait_ms=5000)["job"]
    assert new > number and ask("tenon-exec-list")[0]["job"] == number


def ten_jobs_ten_times(ask, agent):
    script = "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; exit 5"
    numbers = [ask("tenon-exec", path="/bin/sh", arg=["-c", script + f"; : {n}"],
                   on_full=["wait", "head"][n % 2])["job"] for n in range(10)]
    slow = ask("tenon-exec", path="/bin/sh", stdin="open",
               arg=["-c", "while read line; do echo got $line; done; exit 6"])["job"]
    have = {number: bytearray() for number in numbers + [slow]}
    written = 0
    for turn in range(10):
        written += ask("tenon-exec-write", job=slow, at=written,
                       b64=encode(b"turn %d\n" % turn))["taken"]
        ask = begin_again(ask, agent)
        for number in numbers:
            read_on(ask, number, have[number])
    ask("tenon-exec-write", job=slow, at=written, b64="", close=True)
    for number in numbers + [slow]:
        while True:
            reply = read_on(ask, number, have[number])
            if reply["state"] == "ended" and reply["out"]["end"]:
                break
    expected = b"".join(b"%d\n" % i for i in range(3000))
    assert all(bytes(have[number]) == expected for number in numbers)
    assert bytes(have[slow]) == b"".join(b"got turn %d\n" % i for i in range(10)), have[slow]
    assert ask("tenon-exec-read", job=slow)["exit-code"] == 6


def successor_that_refuses(_ask, _agent):
    """Nothing is given up when the program on disk does not take the handover."""
    directory = tempfile.mkdtemp(prefix="tenon-test-")
    program = os.path.join(directory, "tenond")
    shutil.copy(sys.argv[1], program)
    with Agent(program) as agent, agent.connect() as link:
        ask = Commands(link)
        number = ask("tenon-exec", path="/bin/sh", arg=["-c", "sleep 1; exit 3"])["job"]
        os.unlink(program)
        shutil.copy("/bin/false", program)
        agent.process.send_signal(signal.SIGUSR2)
        reply = ask("tenon-exec-read", job=number, wait_ms=20000)
        assert reply["exit-code"] == 3
        assert "going on" in agent.read_log()
    shutil.rmtree(directory)


def time_limit_goes_on(ask, agent):
    number = ask("tenon-exec", path="/bin/sleep", arg=["60"], timeout_ms=1500)["job"]
    ask = begin_again(ask, agent)
    reply = ask("tenon-exec-read", job=number, wait_ms=20000)
    assert reply["reason"] == "timeout", reply


class Manager:
    """A service manager that keeps descriptors."""

    def __init__(self, program):
        self.program = program
        self.directory = tempfile.mkdtemp(prefix="tenon-test-")
        self.path = os.path.join(self.directory, "socket")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(os.path.join(self.directory, "notify"))
        self.store = {}
        self.process = None
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            text, ancillary, _, _ = self.notify.recvmsg(4096, 4096)
            fields = dict(line.split("=", 1) for line in text.decode().splitlines())
            for _, _, data in ancillary:
                fds = array.array("i")
                fds.frombytes(data)
                self.store[fields["FDNAME"]] = fds[0]
            if "FDSTOREREMOVE" in fields:
                fd = self.store.pop(fields["FDNAME"], None)
                if fd is not None:
                    os.close(fd)

    def start(self):
        kept = list(self.store.items())
        env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.directory, "notify"))
        if kept:
            env["LISTEN_FDS"] = str(len(kept))
            env["LISTEN_FDNAMES"] = ":".join(name for name, _ in kept)
        high = [os.dup2(fd, 200 + i) for i, (_, fd) in enumerate(kept)]
        words = [self.program, "-m", "unix-listen", "-p", self.path, "-t", self.directory,
                 "--policy=preset:compat"]
        moves = "".join(f" {3 + i}<&{200 + i}" for i in range(len(kept)))
        # LISTEN_PID must be the agent's own.
        line = f"exec env LISTEN_PID=$$ \"$@\" {moves}"
        self.process = subprocess.Popen(["/bin/bash", "-c", line, "sh"] + words, env=env,
                                        pass_fds=high)
        for fd in high:
            os.close(fd)
        return connect(self.path)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        time.sleep(0.1)

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory)


def restart_keeps_jobs(_ask, _agent):
    manager = Manager(sys.argv[1])
    try:
        ask = manager.start()
        number = ask("tenon-exec", path="/bin/sh",
                     arg=["-c", "echo before; sleep 1.5; echo after; exit 3"])["job"]
        have = bytearray()
        read_on(ask, number, have)
        manager.stop()
        assert "tenon-state" in manager.store
        ask = manager.start()
        reply = read_on(ask, number, have)
        while not reply["out"]["end"] or reply["state"] != "ended":
            reply = read_on(ask, number, have)
        assert bytes(have) == b"before\nafter\n"
        assert reply.get("exit-code") == 3 or reply["reason"] == "exit-unknown", reply
        print("     told by the kernel:", reply.get("exit-code"), reply["reason"])
        assert not manager.store  # what was taken over is removed there
    finally:
        manager.close()


def killed_agent_loses_jobs(_ask, _agent):
    manager = Manager(sys.argv[1])
    try:
        ask = manager.start()
        reply = ask("tenon-exec", path="/bin/sleep", arg=["5"])
        manager.process.kill()
        manager.process.wait()
        os.kill(reply["pid"], 0)  # lives on
        ask = manager.start()
        try:
            ask("tenon-exec-read", job=reply["job"])
            raise Failure("it was found")
        except Refused as refusal:
            assert refusal.error["reason"] == "lost", refusal.error
        os.kill(reply["pid"], 9)
    finally:
        manager.close()


def nothing_is_half_sent(ask, agent):
    """What was asked before the signal is answered, whole, and then the connection ends."""
    path = os.path.join(agent.directory, "big")
    with open(path, "wb") as out:
        out.write(os.urandom(12 << 20))
    big = Link(agent.path)
    handle = Commands(big)("guest-file-open", path=path, mode="r")
    big.send(json.dumps({"execute": "guest-file-read",
                         "arguments": {"handle": handle, "count": 12 << 20}}).encode() + b"\n")
    number = ask("tenon-exec", path="/bin/sleep", arg=["60"])["job"]
    begun = time.monotonic()
    held = Link(agent.path)
    held.send(json.dumps({"execute": "tenon-exec-read", "arguments": {
        "job": number, "wait-ms": 20000}}).encode() + b"\n")
    half = Link(agent.path)
    half.send(b'{"execute":"guest-sync","argu')
    time.sleep(0.3)  # all of that is with the agent
    agent.process.send_signal(signal.SIGUSR2)
    time.sleep(0.3)
    half.send(b'ments":{"id":77}}\n')
    assert json.loads(half.line(10)) == {"return": 77}
    reply = json.loads(held.line(10))["return"]
    assert reply["state"] == "running" and time.monotonic() - begun < 10, reply
    reply = json.loads(big.line(20))["return"]
    with open(path, "rb") as content:
        assert decode(reply["buf-b64"]) == content.read()
    for link in (big, held, half):
        link.socket.settimeout(20)
        assert link.socket.recv(1) == b""
        link.close()
    ask.link.close()
    ask = connect(agent.path)
    assert ask("tenon-exec-list")[-1]["job"] == number
    ask("tenon-exec-signal", job=number, signal="KILL")


def the_line_stays_open(_ask, _agent):
    """A serial port goes to the next program as it is: no request is lost, none answered twice."""
    with tempfile.TemporaryDirectory() as directory:
        host_fd, guest_fd = pty.openpty()
        os.set_blocking(host_fd, False)
        agent = subprocess.Popen([sys.argv[1], "-m", "isa-serial", "-p", os.ttyname(guest_fd), "-t",
                                  directory, "--policy=preset:compat"])
        got = b""
        try:
            wait_for_line(host_fd)
            os.close(guest_fd)  # from now on the agent alone holds the line
            for number in range(1, 401):
                os.write(host_fd, b'{"execute":"guest-sync","arguments":{"id":%d}}\n' % number)
                if number % 80 == 0:
                    agent.send_signal(signal.SIGUSR2)
                end = time.monotonic() + 20
                while got.count(b"\n") < number and time.monotonic() < end:
                    select.select([host_fd], [], [], 1)
                    try:
                        got += os.read(host_fd, 65536)
                    except BlockingIOError:
                        pass
            wanted = b"".join(b'{"return": %d}\n' % number for number in range(1, 401))
            assert got == wanted, got[-200:]
        finally:
            agent.terminate()
            agent.wait(20)
            os.close(host_fd)


def wait_for_line(host_fd):
    """Until the agent answers: what is written before it has opened the line is flushed."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        os.write(host_fd, b'{"execute":"guest-ping"}\n')
        if select.select([host_fd], [], [], 0.3)[0]:
            time.sleep(0.2)
            os.read(host_fd, 65536)
            return
    raise Failure("no answer on the line")


play([
    exit_code_and_both_lines,
    nothing_is_half_sent,
    the_line_stays_open,
    ten_jobs_ten_times,
    successor_that_refuses,
    time_limit_goes_on,
    restart_keeps_jobs,
    killed_agent_loses_jobs,
], sys.argv[1])
