#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Options, key file, exit codes and messages: tenond run as qemu-ga against qemu-ga itself.

usage: test-options.py TENOND [QEMU-GA]

Each case runs both programs with the same arguments, files and environment, and compares standard
output, standard error and exit code, but for paths, times and process ids. A case may say
  differs=ID   tenon differs on purpose: tests/compat/differences.json has the reason. The case
               gives tenon's result, and it is an error when qemu-ga gives the same.
  since=True   interface level 10.2.2 differs from the qemu-ga that is installed here (Debian 12
               has 7.2): the case gives the result, and only tenon is compared with it.
Without qemu-ga the cases that give a result are run, and the test counts as skipped (77).
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
DUMP = ('[general]\ndaemon=false\nmethod=virtio-serial\n'
        'path=/dev/virtio-ports/org.qemu.guest_agent.0\npidfile=/var/run/qemu-ga.pid\n'
        'statedir=/var/run\nverbose=false\nretry-path=false\n')
UNKNOWN = "Unknown option, try 'PROG --help' for more information.\n"
SERVE = ['-m', 'unix-listen', '-p', 'sock', '-t', 'state']


def twice(line):
    return (line + '\n') * 2


def crit(*lines):
    return ''.join('TIME: critical: %s\n' % line for line in lines)


def early(line):
    return '\n** (process:PID): CRITICAL **: TIME: %s\n' % line


CASES = [
    # name, argv, extras
    ('version', ['-V'], dict(differs='version-line', out='QEMU Guest Agent 10.2.2 (tenon VERSION)\n')),
    ('version long', ['--version'], dict(differs='version-line',
                                         out='QEMU Guest Agent 10.2.2 (tenon VERSION)\n')),
    ('version before others', ['-V', '-x'], dict(
        since=True, out='QEMU Guest Agent 10.2.2 (tenon VERSION)\n',
        err="PROG: invalid option -- 'x'\n")),
    ('unknown letter', ['-x'], dict(since=True, code=1, out=UNKNOWN,
                                    err=twice("PROG: invalid option -- 'x'"))),
    ('unknown word', ['--bogus'], dict(since=True, code=1, out=UNKNOWN,
                                       err=twice("PROG: unrecognized option '--bogus'"))),
    ('missing value', ['-m'], dict(since=True, code=1, out=UNKNOWN,
                                   err=twice("PROG: option requires an argument -- 'm'"))),
    ('missing value, word', ['--method'], dict(
        since=True, code=1, out=UNKNOWN,
        err=twice("PROG: option '--method' requires an argument"))),
    ('value not wanted', ['--verbose=1'], dict(
        since=True, code=1, out=UNKNOWN,
        err=twice("PROG: option '--verbose' doesn't allow an argument"))),
    ('ambiguous word', ['--ver'], dict(
        since=True, code=1, out=UNKNOWN,
        err=twice("PROG: option '--ver' is ambiguous; possibilities: '--version' '--verbose'"))),
    ('dropped option', ['--blacklist=guest-exec', '-D'], dict(
        since=True, code=1, out=UNKNOWN,
        err=twice("PROG: unrecognized option '--blacklist=guest-exec'"))),
    ('tenon option', ['--policy=/x'], dict(
        since=True, code=1, out=UNKNOWN,
        err=twice("PROG: unrecognized option '--policy=/x'"))),
    ('dump defaults', ['-D'], dict(differs='absent-list-omitted', out=DUMP)),
    ('dump with operands', ['a', '-D', 'b'], dict(differs='absent-list-omitted', out=DUMP)),
    ('dump abbreviated', ['--dump'], dict(differs='absent-list-omitted', out=DUMP)),
    ('dump everything', ['-D', '-m', 'foo', '-p', '/x', '-l', '/l', '-f', '/f', '-F', '-t', 'sd',
                         '-v', '-d', '-r', '-b', 'a'], dict(
        out='[general]\ndaemon=true\nmethod=foo\npath=/x\nlogfile=/l\npidfile=/f\n'
            'fsfreeze-hook=/etc/qemu/fsfreeze-hook\nstatedir=sd\nverbose=true\n'
            'retry-path=true\nblock-rpcs=a\n')),
    ('dump both lists', ['-D', '-a', 'a', '-b', 'b'], dict(
        since=True, out=DUMP + 'block-rpcs=b\nallow-rpcs=a\n')),
    ('last one wins', ['-D', '-p', '/a', '-p', '/b', '-b', 'x'], {}),
    ('lists add up', ['-D', '-b', 'a,b', '-b', 'c'], dict(
        differs='lists-as-given', out=DUMP + 'block-rpcs=a,b,c\n')),
    ('list raw', ['-D', '-b', 'guest-ping;guest-get-time'], {}),
    ('list with blank', ['-D', '-b', 'a, b'], dict(
        differs='blanks-kept-unescaped', out=DUMP + 'block-rpcs=a, b\n')),
    ('empty list', ['-D', '-b', ''], {}),
    ('hook alone', ['-D', '-F', '-b', 'x'], {}),
    ('hook apart', ['-D', '-F', '/x', '-b', 'x'], {}),
    ('hook attached', ['-D', '-F/x', '-b', 'x'], {}),
    ('hook long', ['-D', '--fsfreeze-hook=/x', '-b', 'x'], {}),
    ('isa default path', ['-D', '-m', 'isa-serial', '-b', 'x'], {}),
    ('listen without path', ['-m', 'unix-listen'], {}),
    ('vsock without path', ['-m', 'vsock-listen', '-D'], {}),
    ('method without path', ['-m', 'foo', '-D'], {}),
    ('method unknown', ['-m', 'foo', '-p', 'x', '-t', 'state'], {}),
    ('bind fails', ['-m', 'unix-listen', '-p', '/nonexistent/s', '-t', 'state'], {}),
    ('open fails', ['-p', '/nonexistent', '-t', 'state'], {}),
    ('vsock address', ['-m', 'vsock-listen', '-p', 'x', '-t', 'state'], dict(
        differs='vsock-address-text', code=1,
        err=crit("invalid vsock address 'x': CID:PORT is expected",
                 'failed to create guest agent channel',
                 'failed to initialize guest agent channel'))),
    ('state directory missing', ['-m', 'unix-listen', '-p', 'sock', '-t', 'nosuch'], dict(
        differs='state-file-text', code=1,
        err=crit("create 'nosuch/qga.state.new': No such file or directory",
                 'failed to load persistent state', 'error initializing guest agent'))),
    ('state file garbage', SERVE, dict(
        differs='state-parse-text', code=1, files={'state/qga.state': 'garbage'},
        err=crit("read 'state/qga.state': Key file contains line “garbage” which is not a "
                 'key-value pair, group, or comment', 'failed to load persistent state',
                 'error initializing guest agent'))),
    ('log file', SERVE + ['-l', '/nonexistent/log'], dict(
        differs='log-file-text', code=1,
        err=crit("unable to open specified log file: open '/nonexistent/log': No such file or "
                 'directory', 'error initializing guest agent'))),
    ('unknown name blocked', SERVE + ['-b', 'guest-exce'], dict(
        differs='unknown-name-refused', serves=True, code=1,
        err=re.compile(r"TIME: critical: .*'?guest-exce'?.*\n"
                       r'TIME: critical: error initializing guest agent\n'))),
    ('config missing', ['-D', '-b', 'x'], dict(env={'QGA_CONF': 'nosuch'})),
    ('config named missing', ['-c', 'nosuch', '-D'], dict(
        since=True, code=1, err=early('error loading configuration from path: nosuch, '
                                      'No such file or directory'))),
    ('config named', ['-D', '--config=conf'], dict(
        since=True, files={'conf': '[general]\nmethod=unix-listen\npath=/s\n'},
        out=DUMP.replace('virtio-serial', 'unix-listen').replace(
            '/dev/virtio-ports/org.qemu.guest_agent.0', '/s'))),
    ('config before version', ['-c', 'nosuch', '-V'], dict(
        since=True, code=1, err=early('error loading configuration from path: nosuch, '
                                      'No such file or directory'))),
    ('config bad boolean', ['-D'], dict(config='[general]\ndaemon=maybe\n')),
    ('config no key file', ['-D'], dict(config='garbage')),
    ('config truncated group', ['-D'], dict(config='[general\nverbose=true\n')),
    ('config key before group', ['-D'], dict(config='verbose=true\n[general]\n')),
    ('config empty', ['-D', '-b', 'x'], dict(config='')),
    ('config comments', ['-D', '-b', 'x'], dict(config='# a\n\n[general]\n# b\nverbose=1\n')),
    ('config other group', ['-D', '-b', 'x'], dict(config='[General]\nverbose=true\n[x]\ny=z\n')),
    ('config unknown key', ['-D', '-b', 'x'], dict(config='[general]\ndaemonize=true\nfoo=bar\n')),
    ('config directory', ['-D'], dict(env={'QGA_CONF': '/tmp'})),
    ('config twice', ['-D', '-b', 'x'], dict(
        config='[general]\npath=/a\npath=/b\n[general]\nmethod=isa-serial\n')),
    ('config escapes', ['-D', '-b', 'x'], dict(config='[general]\npath=/a\\sb\\tc\n')),
    ('config bad escape', ['-D', '-b', 'x'], dict(config='[general]\npath=/a\\qb\n')),
    ('config not UTF-8', ['-D', '-b', 'x'], dict(config=b'[general]\npath=/a\xff\n')),
    ('config everything', ['-D'], dict(
        config='[general]\ndaemon=1\nmethod=unix-listen\npath=/tmp/x y\nblock-rpcs=a\n'
               'statedir=/q\npidfile=/p\nlogfile=/l\nfsfreeze-hook=/h\nverbose=true\n'
               'retry-path=true\n')),
    ('config overridden', ['-D', '-p', '/other', '-t', '/t'], dict(
        config='[general]\npath=/x\nstatedir=/q\nblock-rpcs=a\n')),
    ('config list and argument', ['-D', '-b', 'b'], dict(
        differs='lists-as-given', config='[general]\nblock-rpcs=a,c\n',
        out=DUMP + 'block-rpcs=a,c,b\n')),
    ('config dropped key', ['-D'], dict(
        since=True, config='[general]\nblacklist=guest-exec\n',
        out=DUMP + 'block-rpcs=guest-exec\n')),
    ('config NUL', ['-D'], dict(
        differs='nul-in-config', config=b'[general]\npath=/a\0b\nblock-rpcs=x\n', code=1,
        err=early('error loading configuration from path: conf, the file has a NUL byte'))),
    ('config binary', ['-D'], dict(
        differs='nul-in-config', config=bytes(range(256)) * 4, code=1,
        err=early('error loading configuration from path: conf, the file has a NUL byte'))),
    ('config huge', ['-D'], dict(
        differs='config-too-large', config='[general]\nblock-rpcs=x\n' + '# x\n' * 300000, code=1,
        err=re.compile(r'\n\*\* \(process:PID\): CRITICAL \*\*: TIME: error loading configuration '
                       r'from path: conf, .*\n'))),
    ('config long line', ['-D'], dict(config='[general]\nblock-rpcs=' + 'x' * 100000 + '\n')),
    ('activation for another', ['-D', '-b', 'x'], dict(
        env={'LISTEN_PID': '1', 'LISTEN_FDS': '1'})),
    ('activation malformed', ['-D', '-b', 'x'], dict(
        env={'LISTEN_PID': 'x', 'LISTEN_FDS': '1'})),
]


def normalise(text, program):
    text = text.decode('utf-8', 'replace').replace(program, 'PROG')
    text = re.sub(r'^\d+\.\d+: ', 'TIME: ', text, flags=re.M)
    text = re.sub(r'process:\d+', 'process:PID', text)
    text = re.sub(r'CRITICAL \*\*: [0-9:.]+: ', 'CRITICAL **: TIME: ', text)
    return re.sub(r'\(tenon [0-9.]+\)', '(tenon VERSION)', text)


def prepare(directory, extras):
    os.mkdir(os.path.join(directory, 'state'))
    files = dict(extras.get('files', {}))
    if 'config' in extras:
        files['conf'] = extras['config']
    for name, contents in files.items():
        with open(os.path.join(directory, name), 'wb') as file:
            file.write(contents if isinstance(contents, bytes) else contents.encode())


def run(program, argv, extras):
    with tempfile.TemporaryDirectory() as directory:
        prepare(directory, extras)
        env = dict(os.environ, LC_ALL='C.UTF-8', QGA_CONF='conf' if 'config' in extras else 'none')
        for name in ('LISTEN_PID', 'LISTEN_FDS', 'NOTIFY_SOCKET'):
            env.pop(name, None)
        env.update(extras.get('env', {}))
        link = os.path.join(directory, 'qemu-ga')
        os.symlink(program, link)
        child = subprocess.Popen([link] + argv, cwd=directory, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            out, err = child.communicate(timeout=1 if extras.get('serves') else 20)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)
            out, err = child.communicate(timeout=20)
            return 'serves', normalise(out, link), normalise(err, link)
        return child.returncode, normalise(out, link), normalise(err, link)


def matches(expected, got):
    return all(want.fullmatch(have) if hasattr(want, 'fullmatch') else want == have
               for want, have in zip(expected, got))


def check(case, tenond, qemu_ga, reasons):
    name, argv, extras = case
    got = run(tenond, argv, extras)
    fixed = any(key in extras for key in ('differs', 'since'))
    if fixed:
        expected = (extras.get('code', 0), extras.get('out', ''), extras.get('err', ''))
        if not matches(expected, got):
            return 'expected %r, got %r' % (expected, got)
    if qemu_ga is None or extras.get('since'):
        return None
    theirs = run(qemu_ga, argv, extras)
    if 'differs' in extras:
        if extras['differs'] not in reasons:
            return 'no reason for the difference %r' % extras['differs']
        return 'qemu-ga does not differ: %r' % (theirs,) if theirs == got else None
    return None if theirs == got else 'qemu-ga %r, tenon %r' % (theirs, got)


def wait_for(condition):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def check_daemon(tenond):
    """-d: the parent's exit code is the agent's start; one daemon per pid file."""
    with tempfile.TemporaryDirectory() as directory:
        def at(name):
            return os.path.join(directory, name)

        def start(*argv):
            return subprocess.run([at('qemu-ga'), '-d', '-f', 'pid', '-t', '.', '-m',
                                   'unix-listen'] + list(argv), cwd=directory, timeout=20,
                                  env=dict(os.environ, QGA_CONF='none'), capture_output=True)

        os.symlink(tenond, at('qemu-ga'))
        failed = start('-p', '/nonexistent/s')
        if failed.returncode != 1 or b'Failed to bind socket' not in failed.stderr:
            return 'a start that fails: %r' % failed
        if os.path.exists(at('pid')):
            return 'a start that fails leaves its pid file'
        first = start('-p', 'first')
        if first.returncode != 0 or first.stdout or first.stderr:
            return 'first: %r' % first
        with open(at('pid'), encoding='ascii') as file:
            pid = int(file.read())
        second = start('-p', 'second')
        left = os.path.exists(at('second'))
        os.kill(pid, signal.SIGTERM)
        if second.returncode != 1 or left:
            return 'second: %r, socket left: %r' % (second, left)
        if b'Cannot lock pid file: Resource temporarily unavailable' not in second.stderr:
            return 'second: %r' % second
        if not wait_for(lambda: not os.path.exists(at('pid'))):
            return 'the pid file stays'
    return None


def check_activation(tenond):
    """More than one socket is refused; one of no use is told."""
    with tempfile.TemporaryDirectory() as directory:
        link = os.path.join(directory, 'qemu-ga')
        os.symlink(tenond, link)
        result = subprocess.run(
            ['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$0" -D', link], capture_output=True,
            env=dict(os.environ, QGA_CONF='none'), timeout=20)
    if result.returncode != 1 or b'socket activation passed 2 sockets' not in result.stderr:
        return 'two sockets: %r' % result
    return None


def main():
    tenond = os.path.abspath(sys.argv[1])
    qemu_ga = sys.argv[2] if len(sys.argv) > 2 else '/usr/sbin/qemu-ga'
    if not os.access(qemu_ga, os.X_OK):
        qemu_ga = None
    with open(os.path.join(HERE, 'differences.json'), encoding='utf-8') as file:
        reasons = {row['id']: row for row in json.load(file)['options']}
    for row in reasons.values():
        for key in ('qemu-ga', 'tenon', 'why'):
            if not row.get(key):
                sys.exit('difference %s: no %s' % (row['id'], key))
    n_wrong = 0
    for case in CASES:
        wrong = check(case, tenond, qemu_ga, reasons)
        if wrong is not None:
            print('%s: %s' % (case[0], wrong))
            n_wrong += 1
    for special in (check_daemon, check_activation):
        wrong = special(tenond)
        if wrong is not None:
            print('%s: %s' % (special.__name__, wrong))
            n_wrong += 1
    print('%d cases, %d wrong' % (len(CASES) + 2, n_wrong))
    if n_wrong > 0:
        return 1
    if qemu_ga is None:
        print('no qemu-ga here: nothing was compared')
        return 77
    return 0


if __name__ == '__main__':
    sys.exit(main())
