#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""File systems whose server is gone: everything else is answered in time, and one thread waits.

usage: test-hung-mounts.py TENOND

Mounts a FUSE file system that nobody serves (and, where a loop device is to be had, a fuseblk one)
in a mount name space of its own. Needs root and /dev/fuse, else 77.
"""

import ctypes
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

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
MNT_DETACH = 2
LIMIT_S = 1.0 * host.SLOW


def mount(source, target, kind, flags, data):
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()) < 0:
        raise OSError(ctypes.get_errno(), f'mount {kind}')


def mount_fuse(target, kind='fuse', source='gone'):
    """Mounts a file system whose server never says a word. Returns its descriptor."""
    fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
    options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'
    if kind == 'fuseblk':
        options += ',blksize=512'
    mount(source, target, kind, 0, options)
    return fd


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


def check(tenond, directory):
    point = os.path.join(directory, 'fuse')
    block_point = os.path.join(directory, 'block')
    os.mkdir(point)
    os.mkdir(block_point)
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
