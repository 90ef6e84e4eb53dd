# SPDX-License-Identifier: Apache-2.0
"""Writes an initramfs without root: a newc archive of busybox, kernel modules and programs.

Programs come with the libraries that ldd names. Device nodes are not stored; the kernel mounts
nothing before /init runs, which mounts devtmpfs itself.
"""

import glob
import lzma
import os
import re
import subprocess


class Missing(Exception):
    """Something that the machine has to have; the text is for a person."""


def find_kernel():
    """Returns (version, kernel image) of the newest kernel that has its modules here."""
    images = sorted(glob.glob('/boot/vmlinuz-*') + glob.glob('/lib/modules/*/vmlinuz'))
    # The cloud kernel boots fastest; any other does as well.
    images.sort(key=lambda path: ('cloud' not in path, path))
    for image in images:
        version = os.path.basename(image)[len('vmlinuz-'):] or image.split('/')[3]
        if os.path.exists(f'/lib/modules/{version}/modules.dep'):
            return version, image
    raise Missing('no kernel with modules in /boot and /lib/modules '
                  '(Debian: linux-image-cloud-amd64)')


def module_files(version, names):
    """Returns the module files for NAMES in the order in which insmod needs them.

    A name that is built into the kernel or unknown to it is left out.
    """
    base = f'/lib/modules/{version}'
    needs = {}
    with open(f'{base}/modules.dep', encoding='ascii') as dep:
        for line in dep:
            path, _, rest = line.partition(':')
            needs[path] = rest.split()
    by_name = {re.sub(r'\.ko(\.\w+)?$', '', os.path.basename(p)).replace('-', '_'): p
               for p in needs}
    order = []
    for name in names:
        path = by_name.get(name.replace('-', '_'))
        if path is None:
            continue
        # modules.dep lists what is needed nearest first.
        for one in list(reversed(needs[path])) + [path]:
            if one not in order:
                order.append(one)
    return [f'{base}/{one}' for one in order]


def read_module(path):
    """Returns the module's bytes, unpacked."""
    if path.endswith('.xz'):
        with lzma.open(path) as packed:
            return packed.read()
    if path.endswith('.zst'):
        return subprocess.run(['zstd', '-dcq', path], check=True, stdout=subprocess.PIPE).stdout
    with open(path, 'rb') as plain:
        return plain.read()


def library_closure(program):
    """Returns the files that the dynamic program needs, as ldd names them."""
    done = subprocess.run(['ldd', program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False)
    if 'not a dynamic executable' in done.stdout or 'statically linked' in done.stdout:
        return []
    if 'not found' in done.stdout:
        raise Missing(f'{program} needs libraries that are not here:\n{done.stdout}')
    return re.findall(r'(?:=> )?(/\S+) \(0x', done.stdout)


class Archive:
    """A newc archive in memory; directories are added with the files below them."""

    def __init__(self):
        self.seen = set()
        self.parts = []
        self.inode = 0

    def _entry(self, name, mode, data):
        self.inode += 1
        encoded = name.encode() + b'\0'
        fields = [self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0]
        head = b'070701' + b''.join(b'%08x' % f for f in fields) + encoded
        self.parts.append(head + b'\0' * (-len(head) % 4) + data + b'\0' * (-len(data) % 4))

    def add_directory(self, name):
        """Adds the directory NAME (no leading slash) and those above it, once each."""
        name = name.strip('/')
        if not name or name in self.seen:
            return
        self.add_directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, 0o040755, b'')

    def add_data(self, name, data, mode=0o644):
        """Adds a file with the bytes or text DATA."""
        name = name.strip('/')
        if name in self.seen:
            return
        self.add_directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, 0o100000 | mode, data.encode() if isinstance(data, str) else data)

    def add_link(self, name, target):
        """Adds a symbolic link."""
        name = name.strip('/')
        if name in self.seen:
            return
        self.add_directory(os.path.dirname(name))
        self.seen.add(name)
        self._entry(name, 0o120777, target.encode())

    def add_program(self, source, name):
        """Adds the program SOURCE as NAME, with its libraries at their own places."""
        with open(source, 'rb') as program:
            self.add_data(name, program.read(), 0o755)
        for library in library_closure(source):
            with open(library, 'rb') as content:
                self.add_data(library, content.read(), 0o755)

    def add_busybox(self):
        """Adds the static busybox under its own name and all its applets' names."""
        for path in ('/bin/busybox', '/usr/bin/busybox', '/usr/bin/busybox.static'):
            if os.path.exists(path) and not library_closure(path):
                break
        else:
            raise Missing('no static busybox (Debian: busybox-static)')
        self.add_program(path, 'bin/busybox')
        listed = subprocess.run([path, '--list'], stdout=subprocess.PIPE, text=True, check=True)
        for applet in listed.stdout.split():
            self.add_link(f'bin/{applet}', 'busybox')

    def add_modules(self, version, names):
        """Adds kernel modules and /modules/order, the list in which to load them."""
        order = []
        for path in module_files(version, names):
            name = re.sub(r'\.ko\.\w+$', '.ko', os.path.basename(path))
            self.add_data(f'modules/{name}', read_module(path))
            order.append(name)
        self.add_data('modules/order', ''.join(f'{name}\n' for name in order))

    def write(self, path):
        """Writes the archive to PATH."""
        self._entry('TRAILER!!!', 0, b'')
        with open(path, 'wb') as out:
            out.write(b''.join(self.parts))
