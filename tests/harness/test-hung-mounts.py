#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""File systems whose server is gone: everything else is answered in time, and one thread waits.

usage: test-hung-mounts.py TENOND

Mounts a FUSE file system that nobody serves (and, where a loop device is to be had, a fuseblk one)
in a mount name space of its own. Needs root and /dev/fuse, else 77.
"""

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import host  # noqa: E402
from fusehost import LIBC, MNT_DETACH, FileSystem, mount, mount_fuse  # noqa: E402
from policyhost import PolicyAgent  # noqa: E402

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
LIMIT_S = 1.0 * host.SLOW


def make_directory(directory, name):
    path = os.path.join(directory, name)
    os.mkdir(path)
    return path


def make_loop(directory):
    """A loop device over a small file, or None."""
    image = os.path.join(directory, 'image')
    with open(image, 'wb') as out:
        out.truncate(1 << 20)
    made = subprocess.run(['losetup', '--find', '--show', image], capture_output=True, text=True,
                          check=False)
    return made.stdout.strip() if made.returncode == 0 else None


def timed(link, request):
    start = time.monotonic()
    reply = link.ask(request, deadline=10)
    return reply['return'], time.monotonic() - start


def count_threads(agent):
    return len([t for t in os.listdir(f'/proc/{agent.process.pid}/task')
                if open(f'/proc/{agent.process.pid}/task/{t}/comm').read().strip() == 'statfs'])


def check_polls(agent, calm, request, find):
    """A hundred polls: each in time with all the rest, one thread waits, pings are quick.

    Each ping is sent while a poll is under way. CALM is an agent that nobody polls, asked in turn:
    what a ping takes there is the machine's load, which is not the polled agent's to answer for.
    """
    with agent.connect() as link, agent.connect() as other, calm.connect() as control:
        reply, seconds = timed(link, request)
        assert seconds < LIMIT_S, f'first answer after {seconds:.3f} s'
        find(reply)
        pings, controls = [], []
        slowest = 0
        before = count_threads(agent)
        for _ in range(100):
            start = time.monotonic()
            link.send(json.dumps(request).encode() + b'\n')
            pings.append(timed(other, {'execute': 'guest-ping'})[1])
            reply = json.loads(link.line(10))['return']
            slowest = max(slowest, time.monotonic() - start)
            find(reply)
            controls.append(timed(control, {'execute': 'guest-ping'})[1])
        assert slowest < LIMIT_S, f'slowest poll {slowest:.3f} s'
        assert count_threads(agent) == before, (before, count_threads(agent))
        ping, load = statistics.median(pings), statistics.median(controls)
        print(f'ping {ping * 1e3:.2f} ms, of the calm agent {load * 1e3:.2f} ms')
        assert ping < max(0.005, 3 * load), (ping, load)
        return before


def check_info(reply, point):
    entry = [fs for fs in reply['fs'] if fs['mountpoint'] == point][0]
    assert entry['not-responding'] and 'total-bytes' not in entry, entry
    root = [fs for fs in reply['fs'] if fs['mountpoint'] == '/']
    assert all(not fs['not-responding'] for fs in root), root


def check_fsinfo(reply, point):
    entry = [fs for fs in reply if fs['mountpoint'] == point][0]
    assert 'total-bytes' not in entry and entry['type'] == 'fuseblk', entry


def check_pings(agent, calm):
    """The main loop of AGENT has nothing to wait for; compared as in check_polls()."""
    pings, controls = [], []
    with agent.connect() as other, calm.connect() as control:
        for _ in range(100):
            pings.append(timed(other, {'execute': 'guest-ping'})[1])
            controls.append(timed(control, {'execute': 'guest-ping'})[1])
    ping, load = statistics.median(pings), statistics.median(controls)
    print(f'ping {ping * 1e3:.2f} ms, of the calm agent {load * 1e3:.2f} ms')
    assert ping < max(0.005, 3 * load), (ping, load)
    assert max(pings) < LIMIT_S, max(pings)


def request_for(command, **arguments):
    return {'execute': command,
            'arguments': {name.replace('_', '-'): value for name, value in arguments.items()}}


def check_dead_files(agent, calm, path, held):
    """Whoever asks for a file whose server is gone waits alone; HELD is the server's side."""
    requests = [request_for('guest-file-open', path=path), request_for('tenon-file-get', path=path),
                request_for('guest-file-open', path=path, mode='w'),
                request_for('tenon-file-stat', path=path)]
    links = [agent.connect() for _ in requests]
    for link, request in zip(links, requests):
        link.send(json.dumps(request).encode() + b'\n')
    check_pings(agent, calm)
    assert all(link.is_quiet() for link in links)
    os.close(held)
    for link in links:
        reply = json.loads(link.line(10))
        assert 'error' in reply, reply
        link.close()


def hang_while(system, agent, calm, link, request):
    """Sends REQUEST while the server does not answer; returns its reply when it does again."""
    system.hang()
    link.send(json.dumps(request).encode() + b'\n')
    assert system.asked.wait(10), request
    check_pings(agent, calm)
    assert link.is_quiet(), request
    system.go_on()
    return json.loads(link.line(10))['return']


def check_served_files(agent, calm, point):
    """Each verb on a file that another program serves: the same answers, and nobody else waits."""
    content = bytes(range(256)) * 6144 + b'end'
    path = os.path.join(point, 'file')
    with FileSystem(point, content) as system, agent.connect() as link:
        def ask(command, **arguments):
            return link.ask(request_for(command, **arguments), deadline=10)['return']

        def decode(reply):
            data = base64.b64decode(reply['buf-b64'])
            assert len(data) == reply['count'], reply['count']
            return data

        handle = ask('guest-file-open', path=path, mode='r+')
        assert decode(ask('guest-file-read', handle=handle, count=10)) == content[:10]
        # More than is read ahead of an answer: short, with a true count, and goes on from there.
        got = decode(ask('guest-file-read', handle=handle, count=8 << 20))
        assert got == content[10:10 + len(got)] and len(got) == 1 << 20, len(got)
        reply = ask('guest-file-read', handle=handle, count=8 << 20)
        assert decode(reply) == content[10 + len(got):] and reply['eof'], reply['count']
        assert ask('guest-file-seek', handle=handle, offset=-3, whence='end')['position'] == \
            len(content) - 3
        ask('guest-file-write', handle=handle, buf_b64=base64.b64encode(b'END').decode())
        assert system.read() == content[:-3] + b'END'
        assert decode(ask('tenon-file-read-at', handle=handle, offset=5, count=5)) == content[5:10]
        piece = ask('tenon-file-get', path=path, offset=len(content) - 3)
        assert decode(piece) == b'END' and piece['size'] == len(content), piece

        hang = lambda command, **more: hang_while(system, agent, calm, link,
                                                  request_for(command, **more))
        assert decode(hang('tenon-file-read-at', handle=handle, offset=0, count=4)) == content[:4]
        assert hang('guest-file-seek', handle=handle, offset=0, whence='end')['position'] == \
            len(content)
        assert hang('guest-file-write', handle=handle, buf_b64='eA==')['count'] == 1
        assert decode(hang('tenon-file-get', path=path, count=4)) == content[:4]
        second = hang('guest-file-open', path=path)
        hang('guest-file-close', handle=second)
        ask('guest-file-close', handle=handle)
        assert system.read() == content[:-3] + b'ENDx'
        check_upload(system, agent, ask, hang)


def check_upload(system, agent, ask, hang):
    """An upload to a server that hangs holds no other upload."""
    path = os.path.join(system.point, 'new')
    upload = hang('tenon-file-put-open', path=path, size=2)['upload']
    piece = base64.b64encode(b'a').decode()
    assert hang('tenon-file-put', upload=upload, offset=0, buf_b64=piece)['offset'] == 1
    system.hang()
    with agent.connect() as link:
        token = 'f' * 32
        request = request_for('tenon-file-put-open', path=path + '2', token=token)
        link.send(json.dumps(request).encode() + b'\n')
        assert system.asked.wait(10)
        here = os.path.join(agent.directory, 'here')
        other = ask('tenon-file-put-open', path=here)['upload']
        assert ask('tenon-file-put', upload=other, offset=0, buf_b64=piece)['offset'] == 1
        ask('tenon-file-put-close', upload=other)
        with open(here, encoding='ascii') as file:
            assert file.read() == 'a'
        with agent.connect() as third:
            reply = third.ask(request, deadline=10)
            assert 'another request works on it' in reply['error']['desc'], reply
        assert link.is_quiet()
        system.go_on()
        second = json.loads(link.line(10))['return']['upload']
    ask('tenon-file-put', upload=upload, offset=1, buf_b64=piece)
    assert hang('tenon-file-put-close', upload=upload)['size'] == 2
    assert system.read('new') == b'aa'
    hang('tenon-file-put-drop', upload=second)
    assert sorted(system.names) == ['file', 'new'], system.names


def check_read_limit(tenond):
    """A rule's limit is charged with what a read may give, not with what was asked for."""
    # Not below /tmp: a rule wants directories that are root's alone on the whole way.
    point = tempfile.mkdtemp(prefix='tenon-hung-', dir='/var/lib')
    content = bytes(5 << 19)
    try:
        with FileSystem(point, content), PolicyAgent(
                tenond, '[commands]\nallow = @sync @info\n[file f]\n'
                f'path = {point}\naccess = read\nmax-read = 3M\n') as agent, \
                agent.connect() as link:
            def ask(command, **arguments):
                return link.ask(request_for(command, **arguments), deadline=10)

            handle = ask('guest-file-open', path=os.path.join(point, 'file'))['return']
            counts = [ask('guest-file-read', handle=handle, count=8 << 20)['return']['count']
                      for _ in range(3)]
            assert counts == [1 << 20, 1 << 20, 1 << 19], counts
            reply = ask('guest-file-read', handle=handle, count=1)
            assert 'File too large' in reply['error']['desc'], reply
    finally:
        os.rmdir(point)


def check(tenond, directory):
    point = make_directory(directory, 'fuse')
    block_point = make_directory(directory, 'block')
    loop = make_loop(directory)
    held = [mount_fuse(point)]
    try:
        if loop is not None:
            held.append(mount_fuse(block_point, 'fuseblk', loop))
        with host.Agent(tenond) as agent, host.Agent(tenond) as calm:
            request = {'execute': 'tenon-get-info', 'arguments': {'sections': ['fs', 'load']}}
            n = check_polls(agent, calm, request, lambda reply: check_info(reply, point))
            assert n == len(held), n
            print(f'ok tenon-get-info, {n} thread(s) wait')
            if loop is None:
                print('no loop device, no fuseblk')
            else:
                n = check_polls(agent, calm, {'execute': 'guest-get-fsinfo'},
                                lambda reply: check_fsinfo(reply, block_point))
                assert n == len(held), n
                print(f'ok guest-get-fsinfo, {n} thread(s) wait')
            check_served_files(agent, calm, make_directory(directory, 'served'))
            print('ok files of a server that hangs')
            check_dead_files(agent, calm, os.path.join(point, 'x'), held.pop(0))
            print('ok files of a server that is gone')
        check_read_limit(tenond)
        print('ok a rule\'s limit')
    finally:
        # Closing the server's side ends what waits for it.
        for fd in held:
            os.close(fd)
        LIBC.umount2(point.encode(), MNT_DETACH)
        LIBC.umount2(block_point.encode(), MNT_DETACH)
        if loop is not None:
            subprocess.run(['losetup', '-d', loop], check=False)


def main():
    if os.geteuid() != 0 or not os.access('/dev/fuse', os.R_OK | os.W_OK):
        print('needs root and /dev/fuse')
        sys.exit(77)
    # At the end LeakSanitizer stops all threads, and waits for those that hang in the kernel.
    os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
    if LIBC.unshare(CLONE_NEWNS) < 0:
        print('no mount name space to be had')
        sys.exit(77)
    mount('none', '/', 'none', MS_REC_PRIVATE, '')
    directory = tempfile.mkdtemp(prefix='tenon-hung-')
    try:
        check(sys.argv[1], directory)
    finally:
        subprocess.run(['rm', '-rf', '--one-file-system', directory], check=False)


if __name__ == '__main__':
    main()
