#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""unix-listen: many clients, rude clients, and what the agent owes to each. Usage: PROGRAM"""

import os
import resource
import signal
import socket
import stat
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from transport import (PING, PONG, Agent, Skip, ping, push_until_full, read_line, read_lines, run,
                       sync)

INFO = b'{"execute":"guest-info"}\n'


def socket_is_private_and_removed(program):
    """Mode 0600; gone after a clean end."""
    with Agent(program) as agent:
        agent.connect().close()
        assert stat.S_IMODE(os.stat(agent.path).st_mode) == 0o600
        code, seconds = agent.stop()
        assert code == 0 and seconds < 1, (code, seconds)
        assert not os.path.exists(agent.path)


def stale_socket_is_replaced_other_files_are_not(program):
    """As qemu-ga for sockets; nothing else is ever removed."""
    with Agent(program) as agent:
        agent.connect().close()
        agent.stop(signal.SIGKILL)
        assert os.path.exists(agent.path)
        with Agent(program, path=agent.path) as second:
            ping(second.connect())
            second.stop()
        assert not os.path.exists(agent.path)
        with open(agent.path, 'w', encoding='ascii') as file:
            file.write('mine')
        with Agent(program, path=agent.path) as third:
            assert third.process.wait(5) == 1
            assert 'Failed to bind socket' in third.text()
        assert os.path.getsize(agent.path) == 4


def a_stolen_path_is_left_alone(program):
    """An agent that ends does not remove the socket of one that took its place."""
    with Agent(program) as agent:
        agent.connect().close()
        with Agent(program, path=agent.path) as second:
            deadline = time.monotonic() + 5
            before = os.stat(agent.path).st_ino
            while os.stat(agent.path).st_ino == before and time.monotonic() < deadline:
                time.sleep(0.01)
            agent.stop()
            ping(second.connect())


def requests_are_answered_in_order(program):
    """However they are cut, pipelined requests get their answers in order."""
    with Agent(program) as agent:
        stream = agent.connect()
        text = b''.join(b'{"execute":"guest-sync","arguments":{"id":%d}}' % n for n in range(2000))
        for start in range(0, len(text), 777):
            stream.sendall(text[start:start + 777])
        lines = read_lines(stream, 2000)
        assert lines == [b'{"return": %d}' % n for n in range(2000)]


def sixty_four_clients_at_once(program):
    """All are served while all are connected, each with its own half request."""
    with Agent(program) as agent:
        streams = [agent.connect() for _ in range(64)]
        for stream in streams:
            stream.sendall(PING[:11])
        for stream in streams:
            stream.sendall(PING[11:])
        for stream in streams:
            assert read_line(stream) == PONG
        # Half a request of one is nobody else's.
        streams[0].sendall(PING[:11])
        streams[0].close()
        for stream in streams[1:]:
            ping(stream)


def a_client_that_does_not_read_harms_nobody(program):
    """It costs no CPU and no memory without end, delays no other and no SIGTERM."""
    with Agent(program) as agent:
        ping(agent.connect())
        resident = agent.resident_mib()
        rude = agent.connect()
        taken = push_until_full(rude, INFO * 400000)
        assert taken < 5e6, f'{taken} bytes were taken'
        time.sleep(0.2)
        other = agent.connect()
        ticks = agent.ticks()
        wake_ups = agent.wake_ups()
        time.sleep(1)
        assert agent.ticks() - ticks < 2 and agent.wake_ups() - wake_ups < 3
        slowest = max(ping(other) for _ in range(100))
        assert slowest < 0.5, slowest
        assert agent.resident_mib(peak=True) - resident < 12
        code, seconds = agent.stop()
        assert code == 0 and seconds < 1, (code, seconds)
        return f'{taken} bytes taken'


def a_client_that_reads_late_gets_everything(program):
    """Nothing is lost while it does not read."""
    with Agent(program) as agent:
        stream = agent.connect()
        count = push_until_full(stream, INFO * 40000) // len(INFO)
        stream.settimeout(5)
        time.sleep(0.3)
        assert len(read_lines(stream, count)) >= count


def twenty_clients_leave_before_reading(program):
    """Each of them asks for more than the socket holds; the next one is answered at once."""
    with Agent(program) as agent:
        for _ in range(20):
            stream = agent.connect()
            push_until_full(stream, INFO * 200)
            stream.close()
        seconds = ping(agent.connect())
        time.sleep(1)
        ticks = agent.ticks()
        time.sleep(1)
        assert agent.ticks() - ticks < 2
        assert seconds < 5, seconds
        open_fds = len(os.listdir(f'/proc/{agent.process.pid}/fd'))
        assert open_fds < 20, open_fds


def half_a_close_gets_its_answers(program):
    """A client may close its sending side and wait, as `nc -N` does."""
    with Agent(program) as agent:
        stream = agent.connect()
        stream.sendall(PING * 3)
        stream.shutdown(socket.SHUT_WR)
        assert read_lines(stream, 3) == [PONG.strip()] * 3
        assert stream.recv(10) == b''


def two_hosts_do_not_disturb_each_other(program):
    """A sync is a client's own affair."""
    with Agent(program) as agent:
        one, two = agent.connect(), agent.connect()
        one.sendall(b'{"execute":"guest-info"')
        for number in range(50):
            assert sync(two, number) == []
        one.sendall(b'}\n')
        assert read_line(one).startswith(b'{"return": {')


def descriptors_run_out_without_spinning(program):
    """Clients beyond the limit wait; the agent neither spins nor ends, and serves them later."""
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    with Agent(program, preexec_fn=limit) as agent:
        streams = [agent.connect() for _ in range(40)]
        time.sleep(0.3)
        ticks = agent.ticks()
        time.sleep(1)
        assert agent.ticks() - ticks < 2
        assert agent.text().count('Too many open files') == 1, agent.text()
        ping(streams[0])
        streams[-1].sendall(PING)
        for stream in streams[:-1]:
            stream.close()
        assert read_line(streams[-1]) == PONG


def answers_to_user(agent, uid):
    """What another user gets for a ping; the mode of the socket is made not to matter."""
    agent.connect().close()
    os.chmod(agent.directory, 0o755)
    os.chmod(agent.path, 0o666)
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        os.setresuid(uid, uid, uid)
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(5)
        stream.connect(agent.path)
        try:
            stream.sendall(PING)
            theirs.sendall(stream.recv(100))
        except (BrokenPipeError, ConnectionResetError):
            pass
        os._exit(0)
    theirs.close()
    os.waitpid(child, 0)
    ours.settimeout(5)
    return ours.recv(100)


def a_user_that_policy_names_is_served(program):
    """client-uid; and no longer when a reload takes it away."""
    if os.getuid() != 0:
        raise Skip('needs root to become another user')
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o700)
        place = os.path.join(directory, '50-test.conf')
        with open(place, 'w', encoding='ascii', opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write('[policy]\nmode = compat\nclient-uid = nobody\n')
        with Agent(program, f'--policy={directory}') as agent:
            assert answers_to_user(agent, 65534) == PONG, agent.text()
            assert answers_to_user(agent, 65533) == b''
            with open(place, 'w', encoding='ascii') as file:
                file.write('[policy]\nmode = compat\n')
            agent.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 5
            while answers_to_user(agent, 65534) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert answers_to_user(agent, 65534) == b''


def other_users_are_refused(program):
    """SO_PEERCRED decides, whatever the mode of the socket."""
    if os.getuid() != 0:
        raise Skip('needs root to become another user')
    with Agent(program) as agent:
        assert answers_to_user(agent, 65534) == b''
        assert 'user id 65534 may not speak' in agent.text()
        ping(agent.connect())


def idle_costs_nothing(program):
    """No wake-up, with and without clients."""
    with Agent(program) as agent:
        stream = agent.connect()
        ping(stream)
        time.sleep(2)
        before = agent.wake_ups()
        time.sleep(1.5)
        assert agent.wake_ups() == before


def sigterm_and_sigint_end_it(program):
    """Exit 0, with a client connected."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with Agent(program) as agent:
            ping(agent.connect())
            assert agent.stop(number)[0] == 0


def readiness_is_told(program):
    """READY=1, RELOADING=1 and STOPPING=1 to NOTIFY_SOCKET."""
    with Agent(program) as scratch:
        place = os.path.join(scratch.directory, 'notify')
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(place)
        notify.settimeout(5)
        with Agent(program, env={**os.environ, 'NOTIFY_SOCKET': place}) as agent:
            assert b'READY=1' in notify.recv(1000)
            agent.process.send_signal(signal.SIGHUP)
            assert b'RELOADING=1\nMONOTONIC_USEC=' in notify.recv(1000)
            told = notify.recv(1000)
            assert b'READY=1' in told and b'STATUS=policy' in told, told
            ping(agent.connect())
            agent.stop()
            assert b'STOPPING=1' in notify.recv(1000)


run([
    socket_is_private_and_removed,
    stale_socket_is_replaced_other_files_are_not,
    a_stolen_path_is_left_alone,
    requests_are_answered_in_order,
    sixty_four_clients_at_once,
    a_client_that_does_not_read_harms_nobody,
    a_client_that_reads_late_gets_everything,
    twenty_clients_leave_before_reading,
    half_a_close_gets_its_answers,
    two_hosts_do_not_disturb_each_other,
    descriptors_run_out_without_spinning,
    other_users_are_refused,
    a_user_that_policy_names_is_served,
    idle_costs_nothing,
    sigterm_and_sigint_end_it,
    readiness_is_told,
])
