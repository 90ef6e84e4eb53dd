# SPDX-License-Identifier: Apache-2.0
"""The Debian 12 guest with systemd: its disks, its start, and what the tests in it share.

A test script declares its checks with a Report and ends in run_checks(), which reads the command
line, boots a copy of the image that tests/vm/image makes, and hands the checks a Guest.
"""

import glob
import os
import shutil
import subprocess
import tempfile
import time

from hypervisor import AGENT_PORT, SHELL_PORT, Domain, GuestError, Hypervisor, wait_until
from initramfs import Archive, Missing, find_kernel
from runner import parse_options, run

HERE = os.path.dirname(os.path.abspath(__file__))

INIT = r'''#!/bin/sh
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
for module in $(cat /modules/order); do insmod /modules/$module; done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 100 ]; do n=$((n + 1)); sleep 0.1; done
mkdir -p /root
mount -t ext4 /dev/vda /root
umount /proc /sys
mount --move /dev /root/dev
exec switch_root /root /sbin/init
'''


class Guest:
    """What the checks share. The packages of --debs are the files /mnt/NAME_*.deb, once mounted."""

    def __init__(self, host, domain, options=None):
        self.host = host
        self.domain = domain
        self.options = options
        self.files = ''
        self.has_port = False

    @property
    def shell(self):
        """The shell beside the agent."""
        return self.domain.shell

    def virsh(self, command, *more):
        """A call about this guest."""
        return self.host.virsh(command, self.domain.name, *more)

    def tenonctl(self, *argv, seconds=60, **more):
        """Runs the tenonctl of --tenonctl on the host, as the user whose libvirt this is."""
        program = f'{self.host.dir}/tenonctl'
        if not os.path.exists(program):
            shutil.copyfile(self.options.tenonctl, program)
            os.chmod(program, 0o755)
        return self.host.run([program, *argv], seconds, **more)

    def plug(self):
        """Gives the guest the agent's port, if it has none."""
        if not self.has_port:
            self.domain.attach_port(AGENT_PORT)
            self.has_port = True

    def unplug(self):
        """Takes the port away."""
        self.domain.detach_port(AGENT_PORT)
        self.has_port = False

    def mount_packages(self):
        """Makes the packages visible below /mnt."""
        self.shell.run('mkdir -p /mnt && (mountpoint -q /mnt || mount -o ro /dev/vdb /mnt)')

    def install(self, *names):
        """Installs packages from the second disk, by the beginnings of their names."""
        paths = ' '.join(f'/mnt/{name}_*.deb' for name in names)
        return self.shell.run(f'dpkg -i {paths}', seconds=300)

    def purge(self, *names):
        """Purges packages."""
        return self.shell.run(f"dpkg --purge {' '.join(names)}", seconds=300)

    def start_tenon(self, preset='compat'):
        """Installs tenon under a preset policy, plugs the port and waits for the agent."""
        self.mount_packages()
        self.install('tenon', 'tenon-client')
        self.shell.run(f'tenon-policy preset {preset} && tenond --check')
        self.plug()
        self.wait_active('tenon.service')
        self.domain.wait_agent(30)

    def is_active(self, unit):
        """Whether systemd says that the unit runs."""
        return self.shell.run(f'systemctl is-active {unit}', check=False).strip() == 'active'

    def main_pid(self, unit):
        """The unit's main process."""
        return int(self.shell.run(f'systemctl show -p MainPID --value {unit}').strip())

    def wait_active(self, unit, seconds=20):
        """Waits for the unit to run."""
        wait_until(lambda: self.is_active(unit), seconds, f'{unit} runs')


def build_initrd(domain, version, modules):
    """What it takes to get to the root file system and its ports, and MODULES besides: the image
    has none of its own."""
    archive = Archive()
    archive.add_busybox()
    archive.add_modules(version, ['virtio_pci', 'virtio_blk', 'ext4', 'crc32c_intel',
                                  'virtio_console', *modules])
    archive.add_data('init', INIT, 0o755)
    for name in ('dev', 'proc', 'sys'):
        archive.add_directory(name)
    archive.write(f'{domain.dir}/initrd')


def make_disks(domain, image, packages):
    """Copies the image, which stays as it is, and puts the packages on a disk of their own."""
    subprocess.run(['cp', '--sparse=always', '--reflink=auto', image, f'{domain.dir}/root'],
                   check=True)
    os.chmod(f'{domain.dir}/root', 0o600)
    with tempfile.TemporaryDirectory(prefix='tenon-debs-') as scratch:
        for name in packages:
            shutil.copy(name, scratch)
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-d', scratch,
                        f'{domain.dir}/packages', '32M'], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, PATH=os.environ.get('PATH', '') + ':/sbin:/usr/sbin'))
    domain.disks = [f'{domain.dir}/root', f'{domain.dir}/packages']


def journal_tail(guest):
    """What systemd says about the units, for a check that failed."""
    try:
        text = guest.shell.run('journalctl -n 12 -o cat --no-pager -u tenon.service '
                               '-u qemu-guest-agent.service', seconds=15, check=False)
    except (GuestError, OSError) as error:
        text = f'{error}{guest.domain.console()}'
    return '\n    ' + text.replace('\n', '\n    ')


def boot(options, report, make_guest, prepare, modules):
    """Boots the guest, runs the report's checks in it, destroys it."""
    packages = glob.glob(f'{options.debs}/*.deb')
    if not packages:
        raise Missing(f'no packages in {options.debs} (packaging/build-deb makes them)')
    version, kernel = find_kernel()
    made = subprocess.run([f'{HERE}/image', '--cache', options.cache], text=True,
                          stdout=subprocess.PIPE, check=False)
    if made.returncode != 0:
        raise Missing('no Debian image, see above')
    with Hypervisor(options.cache) as host:
        domain = Domain(host, 'debian', memory_mib=512)
        build_initrd(domain, version, modules)
        make_disks(domain, made.stdout.strip(), packages)
        try:
            started = time.monotonic()
            domain.start(kernel, 'console=ttyS0 quiet panic=-1 rdinit=/init '
                         'random.trust_cpu=on systemd.show_status=0', [SHELL_PORT], 180)
            guest = make_guest(host, domain, options)
            if prepare:
                prepare(guest)
            print(f'{report.suite}: up after {time.monotonic() - started:.0f} s', flush=True)
            report.run(guest, options.only, journal_tail)
        except GuestError as error:
            report.abort(f'{error}{domain.console()}')
        finally:
            domain.destroy()


def run_checks(report, description, limit, *, prepare=None, make_guest=Guest, modules=(),
               with_client=False):
    """The main function of such a test: PREPARE(guest) runs before the checks of REPORT; LIMIT is
    for the whole run, in seconds; MODULES are loaded into the guest's kernel before its system
    starts. Returns the exit code."""
    more = {'tenonctl': 'the client that runs on the host'} if with_client else {}
    options = parse_options(description, limit, debs='directory with the packages', **more)

    return run(report, options, lambda: boot(options, report, make_guest, prepare, modules))
