# SPDX-License-Identifier: Apache-2.0
"""The small guest: busybox, two agents on two ports, a shell on a third."""

import os

from hypervisor import AGENT_PORT, RAW_PORT, SHELL_PORT, Domain, GuestError, Hypervisor
from initramfs import Archive, find_kernel
from runner import parse_options, run

KERNEL_ARGUMENTS = 'console=ttyS0 quiet panic=-1 rdinit=/init random.trust_cpu=on'

# agent NAME METHOD PATH [OPTION...] starts an agent that leaves its pid in /run/agent-NAME.pid and,
# when it ends, its exit code in /run/agent-NAME.exit.
INIT = r'''#!/bin/sh
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
chmod 0755 / # a tmpfs: anybody's, and then no program in it is root's alone
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /run /tmp /var/run /var/lib/tenon /var/log /dev/virtio-ports /run/tenon /dev/pts
chmod 0700 /run/tenon /var/lib/tenon
mount -t devpts pts /dev/pts
for module in $(cat /modules/order); do insmod /modules/$module; done
hostname busybox-guest
ip link set lo up
links
agent libvirt virtio-serial /dev/virtio-ports/org.qemu.guest_agent.0
agent raw virtio-serial /dev/virtio-ports/org.tenon.raw.0
while :; do
    sh <>/dev/virtio-ports/org.tenon.shell.0 1>&0 2>&1
    sleep 0.2
done
'''

LINKS = r'''#!/bin/sh
# Makes the links that udev would make. Waits for the port in $1, else for all three.
n=0
while [ $n -lt 100 ]; do
    rm -f /dev/virtio-ports/*
    for name in /sys/class/virtio-ports/*/name; do
        [ -e "$name" ] || continue
        port=${name%/name}
        ln -sf ../${port##*/} /dev/virtio-ports/$(cat $name)
    done
    if [ -n "$1" ]; then
        [ -e /dev/virtio-ports/$1 ] && exit 0
    else
        [ $(ls /dev/virtio-ports | wc -l) -ge 3 ] && exit 0
    fi
    n=$((n + 1))
    sleep 0.1
done
exit 1
'''

AGENT = r'''#!/bin/sh
name=$1 method=$2 path=$3
shift 3
rm -f /run/agent-$name.exit /run/agent-$name.pid
mkdir -p /run/state-$name
setsid sh -c '
    name=$0
    "$@" >/run/agent-$name.log 2>&1 </dev/null &
    echo $! >/run/agent-$name.pid
    wait $!
    echo $? >/run/agent-$name.exit
' $name @AGENT@ -m $method -p $path -t /run/state-$name @POLICY@ "$@" >/dev/null 2>&1 </dev/null &
while [ ! -s /run/agent-$name.pid ]; do sleep 0.05; done
'''

OS_RELEASE = '''NAME="Busybox test guest"
ID=busybox-test
PRETTY_NAME="Busybox test guest 1"
VERSION_ID="1"
'''


def build_initramfs(domain, agent, kernel_version, modules=()):
    """Writes the guest's initramfs; MODULES are those that a check needs beside the ports'."""
    archive = Archive()
    archive.add_busybox()
    archive.add_modules(kernel_version, ['virtio_pci', 'virtio_console', *modules])
    # Under qemu-ga's name tenond would be qemu-ga; the name that was given decides.
    program = '/usr/sbin/' + os.path.basename(agent)
    archive.add_program(agent, program)
    archive.add_data('init', INIT, 0o755)
    archive.add_data('bin/links', LINKS, 0o755)
    archive.add_data('bin/agent', AGENT.replace('@AGENT@', program).replace(
        '@POLICY@', '--policy=preset:compat' if program.endswith('tenond') else ''), 0o755)
    archive.add_data('etc/os-release', OS_RELEASE)
    archive.add_data('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n')
    archive.add_data('etc/group', 'root:x:0:\n')
    for name in ('dev', 'proc', 'sys', 'run', 'tmp', 'root', 'var', 'sbin'):
        archive.add_directory(name)
    archive.write(f'{domain.dir}/initrd')


def run_checks(report, description, limit, name, make_guest, *, build=build_initramfs,
               add_disks=None, on_failure=None, memory_mib=256, client=None):
    """The main function of a test in the small guest: MAKE_GUEST(host, domain, options) makes what
    the checks of REPORT are called with; LIMIT is for the whole run, in seconds. BUILD(domain,
    agent, kernel version) writes the initramfs, ADD_DISKS(domain) the disks. CLIENT: what --tenonctl
    is for (runner.parse_options). Returns the exit code."""
    more = {'tenonctl': client} if client else {}
    options = parse_options(description, limit, agent='the agent that runs in the guest', **more)

    def boot():
        version, kernel = find_kernel()
        with Hypervisor(options.cache) as host:
            domain = Domain(host, name, memory_mib)
            build(domain, options.agent, version)
            if add_disks:
                add_disks(domain)
            try:
                domain.start(kernel, KERNEL_ARGUMENTS, [AGENT_PORT, RAW_PORT, SHELL_PORT])
                report.run(make_guest(host, domain, options), options.only, on_failure)
            except GuestError as error:
                report.abort(f'{error}{domain.console()}')
            finally:
                domain.destroy()

    return run(report, options, boot)
