# SPDX-License-Identifier: Apache-2.0
"""A libvirt of our own, the guests in it, and the ways to talk to them.

libvirtd runs as an unprivileged session daemon with its own directories, so that nothing in /etc,
/run or /var is touched and no other libvirt is met. Guests are emulated (type='qemu'): a /dev/kvm
may exist and yet hang. Everything started here is ended here, by process id, also after a failure.
"""

import glob
import itertools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from initramfs import Missing
from report import GuestError

NOBODY = 65534
# Deadlines are there to end what hangs; on a busy machine an emulated guest only takes its time.
# What a check measures is never multiplied.
PATIENCE = min(8.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
AGENT_PORT = 'org.qemu.guest_agent.0'
RAW_PORT = 'org.tenon.raw.0'
SHELL_PORT = 'org.tenon.shell.0'


def wait_until(probe, seconds, what, pause=0.1):
    """Calls PROBE until it returns something true, and returns that; fails after SECONDS."""
    deadline = time.monotonic() + seconds * PATIENCE
    last = None
    while time.monotonic() < deadline:
        try:
            last = probe()
            if last:
                return last
        except (GuestError, OSError, subprocess.TimeoutExpired) as error:
            last = error
        time.sleep(pause)
    raise GuestError(f'{what}: not within {seconds} s (last: {last})')


class Hypervisor:
    """The private libvirtd; a context manager that leaves nothing behind."""

    def __init__(self, cache_dir):
        self.cache_dir = cache_dir
        self.daemon = None
        self.daemon_path = self._find_programs()
        # Short, for a socket's path has 108 bytes.
        self.dir = tempfile.mkdtemp(prefix='tnvm-')
        os.chmod(self.dir, 0o711)
        self.as_nobody = os.geteuid() == 0
        home = self.dir
        self.env = {
            'PATH': os.environ.get('PATH', '/usr/bin:/bin') + ':/usr/sbin:/sbin',
            'LANG': 'C.UTF-8',
            'HOME': home,
            'XDG_RUNTIME_DIR': f'{home}/r',
            'XDG_CONFIG_HOME': f'{home}/c',
            'XDG_CACHE_HOME': f'{home}/k',
            'XDG_DATA_HOME': f'{home}/d',
            # Nothing here may start a session bus of its own.
            'DBUS_SESSION_BUS_ADDRESS': f'unix:path={home}/no-bus',
            'LIBVIRT_DEFAULT_URI': 'qemu:///session',
        }
        for name in ('r', 'c/libvirt', 'k', 'd'):
            os.makedirs(f'{home}/{name}', mode=0o700)
        self._write(f'{home}/c/libvirt/qemu.conf',
                    'stdio_handler = "file"\nsecurity_driver = "none"\n')
        self._write(f'{home}/c/libvirt/daemon.conf',
                    f'log_outputs = "2:file:{home}/libvirtd.log"\n')
        # The emulator's capabilities, probed once: 4 s become 0.1 s.
        if os.path.isdir(f'{cache_dir}/libvirt'):
            shutil.copytree(f'{cache_dir}/libvirt', f'{home}/k/libvirt')
        self.own(home)

    @staticmethod
    def _find_programs():
        path = os.environ.get('PATH', '') + ':/usr/sbin:/sbin'
        for name, package in (('virsh', 'libvirt-clients'),
                              ('qemu-system-x86_64', 'qemu-system-x86'),
                              ('setpriv', 'util-linux')):
            if not shutil.which(name, path=path):
                raise Missing(f'{name} is missing (Debian: {package})')
        daemon = shutil.which('libvirtd', path=path) or shutil.which('virtqemud', path=path)
        if not daemon:
            raise Missing('libvirtd is missing (Debian: libvirt-daemon)')
        return daemon

    @staticmethod
    def _write(path, text):
        with open(path, 'w', encoding='utf-8') as out:
            out.write(text)

    def own(self, path):
        """Gives PATH and everything below it to the user who runs the guests."""
        if not self.as_nobody:
            return
        os.chown(path, NOBODY, NOBODY)
        for base, dirs, files in os.walk(path):
            for name in dirs + files:
                os.chown(os.path.join(base, name), NOBODY, NOBODY, follow_symlinks=False)

    def user_command(self, argv):
        """Returns ARGV as the user who runs the guests would call it."""
        if not self.as_nobody:
            return list(argv)
        return ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
                '--inh-caps=-all', '--'] + list(argv)

    def run(self, argv, seconds=30, **more):
        """Runs a program as that user with that user's libvirt; returns the finished process."""
        return subprocess.run(self.user_command(argv), env=self.env, cwd=self.dir,
                              stdin=more.pop('stdin', subprocess.DEVNULL),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=seconds * PATIENCE, check=False, **more)

    def virsh(self, *argv, seconds=30):
        """Runs a virsh command, returns its output; raises GuestError with virsh's words."""
        done = self.run(['virsh', '-q', *argv], seconds)
        if done.returncode != 0:
            raise GuestError(done.stderr.strip() or f'virsh {argv[0]}: exit {done.returncode}')
        return done.stdout

    def start_daemon(self):
        """Starts libvirtd and waits until it answers."""
        with open(f'{self.dir}/libvirtd.out', 'ab') as out:
            self.daemon = subprocess.Popen(
                self.user_command([self.daemon_path, '-f', f'{self.dir}/c/libvirt/daemon.conf']),
                env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True)

        def answers():
            if self.daemon.poll() is not None:
                raise Missing(f'libvirtd ended at once: {self.log_tail()}')
            return self.virsh('list', '--name') is not None

        wait_until(answers, 60, 'libvirtd answers')

    def stop_daemon(self):
        """Ends libvirtd; the guests go on."""
        if not self.daemon:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(15)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait(5)
        self.daemon = None

    def log_tail(self):
        """The end of libvirtd's own log."""
        text = ''
        for name in ('libvirtd.out', 'libvirtd.log'):
            try:
                with open(f'{self.dir}/{name}', encoding='utf-8', errors='replace') as log:
                    text += ''.join(log.readlines()[-8:])
            except OSError:
                pass
        return text

    def processes(self):
        """The processes that live in our directory, and no others."""
        mark = f'HOME={self.dir}'.encode()
        found = []
        for path in glob.glob('/proc/[0-9]*/environ'):
            try:
                with open(path, 'rb') as environ:
                    if mark in environ.read().split(b'\0'):
                        found.append(int(path.split('/')[2]))
            except OSError:
                pass
        return [pid for pid in found if pid != os.getpid()]

    def __enter__(self):
        try:
            self.start_daemon()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends everything and removes the directory; keeps the probed capabilities."""
        self.stop_daemon()
        for signum, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            for pid in self.processes():
                try:
                    os.kill(pid, signum)
                except OSError:
                    pass
            deadline = time.monotonic() + seconds
            while self.processes() and time.monotonic() < deadline:
                time.sleep(0.05)
        probed = f'{self.dir}/k/libvirt'
        if os.path.isdir(probed):
            shutil.rmtree(f'{self.cache_dir}/libvirt', ignore_errors=True)
            os.makedirs(self.cache_dir, exist_ok=True)
            shutil.copytree(probed, f'{self.cache_dir}/libvirt',
                            ignore=lambda base, names: [n for n in names if
                                                        not os.path.isdir(f'{base}/{n}') and
                                                        not os.path.isfile(f'{base}/{n}')])
        shutil.rmtree(self.dir, ignore_errors=True)


def channel_xml(path, name):
    """A virtio port NAME whose host side is the unix socket PATH, with QEMU listening."""
    return (f"<channel type='unix'><source mode='bind' path='{path}'/>"
            f"<target type='virtio' name='{name}'/></channel>")


class Domain:
    """One guest: direct kernel boot, three ports, a serial line, disks as given."""

    def __init__(self, host, name, memory_mib=256):
        self.host = host
        self.name = name
        self.memory_mib = memory_mib
        self.dir = f'{host.dir}/{name}'
        os.makedirs(self.dir)
        self.disks = []
        self.ports = {SHELL_PORT: f'{self.dir}/shell', RAW_PORT: f'{self.dir}/raw',
                      AGENT_PORT: f'{self.dir}/agent'}
        self.shell = None

    def _xml(self, command_line, ports):
        disks = ''.join(
            f"<disk type='file' device='disk'>"
            f"<driver name='qemu' type='raw' cache='unsafe' discard='unmap'/>"
            f"<source file='{path}'/><target dev='vd{chr(ord('a') + n)}' bus='virtio'/></disk>"
            for n, path in enumerate(self.disks))
        channels = ''.join(channel_xml(self.ports[port], port) for port in ports)
        return f"""<domain type='qemu'>
<name>{self.name}</name><memory unit='MiB'>{self.memory_mib}</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.dir}/kernel</kernel>
<initrd>{self.dir}/initrd</initrd><cmdline>{command_line}</cmdline></os>
<features><acpi/></features><on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot>
<on_crash>destroy</on_crash><pm><suspend-to-mem enabled='yes'/></pm>
<devices><controller type='virtio-serial' index='0'/><controller type='usb' model='none'/>
{disks}
<serial type='file'><source path='{self.dir}/console'/><target port='0'/></serial>
<serial type='unix'><source mode='bind' path='{self.dir}/ttys1'/><target port='1'/></serial>
{channels}<memballoon model='none'/></devices></domain>"""

    def start(self, kernel, command_line, ports, boot_seconds=90):
        """Boots and waits until the shell port answers. The initrd is already in our directory."""
        shutil.copyfile(kernel, f'{self.dir}/kernel')
        with open(f'{self.dir}/xml', 'w', encoding='utf-8') as out:
            out.write(self._xml(command_line, ports))
        self.host.own(self.dir)
        self.host.virsh('create', f'{self.dir}/xml', seconds=60)
        self.shell = Shell(self.ports[SHELL_PORT])
        self.shell.run('true', seconds=boot_seconds)

    def destroy(self):
        """Ends the guest at once."""
        try:
            self.host.virsh('destroy', self.name)
        except (GuestError, subprocess.TimeoutExpired):
            pass
        if self.shell:
            self.shell.close()

    def console(self, lines=15):
        """The last lines that the guest wrote to its console."""
        try:
            with open(f'{self.dir}/console', encoding='utf-8', errors='replace') as console:
                return '\n    '.join([''] + console.read().splitlines()[-lines:])
        except OSError:
            return ''

    def raw(self, port=RAW_PORT, seconds=10):
        """Connects to a port's host side."""
        return Stream(self.ports[port], seconds)

    def attach_port(self, port):
        """Plugs the port in while the guest runs."""
        self._device('attach-device', port)

    def detach_port(self, port):
        """Unplugs the port while the guest runs."""
        self._device('detach-device', port)

    def _device(self, verb, port):
        path = f'{self.dir}/device.xml'
        with open(path, 'w', encoding='utf-8') as out:
            out.write(channel_xml(self.ports[port], port))
        os.chmod(path, 0o644)
        self.host.virsh(verb, self.name, path)

    def agent(self, command, arguments=None, seconds=10):
        """Sends a command through libvirt; returns what stands behind "return"."""
        request = {'execute': command}
        if arguments is not None:
            request['arguments'] = arguments
        text = self.host.virsh('qemu-agent-command', self.name, '--timeout', str(seconds),
                               json.dumps(request), seconds=seconds + 25)
        return json.loads(text)['return']

    def wait_agent(self, seconds=20):
        """Waits until guest-ping is answered through libvirt; returns the seconds that took."""
        started = time.monotonic()
        wait_until(lambda: self.agent('guest-ping', seconds=5) == {}, seconds,
                   'the agent answers through libvirt')
        return time.monotonic() - started

    def agent_exec(self, path, argv, seconds=30, **arguments):
        """guest-exec, then guest-exec-status until it has ended; returns the last status."""
        arguments.setdefault('capture-output', True)
        pid = self.agent('guest-exec', {'path': path, 'arg': argv, **arguments})['pid']
        return wait_until(lambda: (lambda s: s if s['exited'] else None)(
            self.agent('guest-exec-status', {'pid': pid})), seconds, f'{path} ends')


class Stream:
    """A line-wise connection to a unix socket, with deadlines."""

    def __init__(self, path, seconds=10):
        self.buffer = b''
        self.seconds = seconds
        deadline = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def send(self, data):
        """Sends bytes, or an object as one line of JSON."""
        if not isinstance(data, bytes):
            data = json.dumps(data).encode() + b'\n'
        self.socket.settimeout(self.seconds)
        self.socket.sendall(data)

    def line(self, seconds=None):
        """Returns the next line without its newline."""
        deadline = time.monotonic() + (seconds or self.seconds)
        while b'\n' not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise GuestError(f'no line in time (so far {self.buffer[-200:]!r})')
            got = self.socket.recv(65536)
            if not got:
                raise GuestError(f'connection closed (so far {self.buffer[-200:]!r})')
            self.buffer += got
        line, _, self.buffer = self.buffer.partition(b'\n')
        return line

    def call(self, command, arguments=None, seconds=None):
        """One request, one reply; returns what stands behind "return"."""
        request = {'execute': command}
        if arguments is not None:
            request['arguments'] = arguments
        self.send(request)
        reply = json.loads(self.line(seconds).lstrip(b'\xff'))
        if 'return' not in reply:
            raise GuestError(json.dumps(reply))
        return reply['return']

    def sync(self, number, seconds=None):
        """guest-sync; returns the replies that came before its own, which are somebody else's."""
        self.send({'execute': 'guest-sync', 'arguments': {'id': number}})
        strays = []
        while True:
            line = self.line(seconds)
            try:
                if json.loads(line).get('return') == number:
                    return strays
            except ValueError:
                pass
            strays.append(line)

    def close(self):
        """Closes the host's side."""
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Shell:
    """A shell in the guest, past the agent: to look at its effects and to kill it."""

    # Of all shells together: what an earlier one asked may be answered late.
    numbers = itertools.count(1)

    def __init__(self, path):
        self.stream = Stream(path)

    def run(self, command, seconds=30, check=True):
        """Runs COMMAND; returns its output, both streams in one."""
        mark = f'@@{next(self.numbers)}@'
        self.stream.send(f'{{ {command}\n}} 2>&1 </dev/null; echo; echo {mark}$?\n'.encode())
        lines = []
        deadline = time.monotonic() + seconds * PATIENCE
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError(f'guest shell: no answer to {command!r} in {seconds} s')
            line = self.stream.line(left).decode(errors='replace')
            found = re.fullmatch(re.escape(mark) + r'(\d+)', line)
            if found:
                break
            lines.append(line)
        output = '\n'.join(lines[:-1] if lines and lines[-1] == '' else lines)
        if check and found.group(1) != '0':
            raise GuestError(f'guest shell: {command!r}: exit {found.group(1)}: {output}')
        return output

    def close(self):
        """Closes the host's side."""
        self.stream.close()
