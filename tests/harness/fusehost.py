# SPDX-License-Identifier: Apache-2.0
"""A FUSE file system of one directory, served by a thread of the test, which can stop answering.

Source: linux/fuse.h.
"""

import ctypes
import errno
import os
import struct
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
MNT_DETACH = 2
NAME = 'file'
ROOT = 1
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS = 1, 2, 3, 4, 14, 15, 16, 17
UNLINK, RENAME, RELEASE, FSYNC, FLUSH, INIT, OPENDIR = 10, 12, 18, 20, 25, 26, 27
RELEASEDIR, FSYNCDIR, CREATE, BATCH_FORGET, RENAME2 = 29, 30, 35, 42, 45
SILENT = (RELEASE, FLUSH, FSYNC, RELEASEDIR, FSYNCDIR)
FATTR_SIZE = 1 << 3
DIRECT_IO = 1
HEADER = struct.Struct('<IIQQIIII')
TRANSFER = struct.Struct('<QQIIQII')


def mount(source, target, kind, flags, data):
    """mount(2)."""
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()) < 0:
        raise OSError(ctypes.get_errno(), f'mount {kind}')


def mount_fuse(target, kind='fuse', source='gone'):
    """Mounts a file system whose server is whoever reads the descriptor that is returned."""
    fd = os.open('/dev/fuse', os.O_RDWR | os.O_CLOEXEC)
    options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'
    if kind == 'fuseblk':
        options += ',blksize=512'
    mount(source, target, kind, 0, options)
    return fd


class FileSystem:
    """Mounted at POINT; POINT/file holds CONTENT. Nothing is cached by the kernel.

    NAMES says which node a name is, NODES what a node holds.
    """

    def __init__(self, point, content):
        self.point = point
        self.names = {NAME: 2}
        self.nodes = {2: bytearray(content)}
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Event() # somebody waits while nothing is answered
        self.fd = mount_fuse(point, source='served')
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.answers.set()
        LIBC.umount2(self.point.encode(), MNT_DETACH)
        os.close(self.fd)

    def read(self, name=NAME):
        """What the file NAME holds."""
        return bytes(self.nodes[self.names[name]])

    def hang(self):
        """Answers nothing until go_on()."""
        self.asked.clear()
        self.answers.clear()

    def go_on(self):
        """Answers again, first of all what was asked meanwhile."""
        self.answers.set()

    def _serve(self):
        while True:
            try:
                request = os.read(self.fd, (1 << 20) + 4096)
            except OSError:
                return
            _, opcode, unique, node, *_ = HEADER.unpack_from(request)
            if not self.answers.is_set():
                self.asked.set()
                self.answers.wait()
            body = self._answer(opcode, node, request[HEADER.size:])
            if body is None:
                continue
            error, body = (body, b'') if isinstance(body, int) else (0, body)
            try:
                os.write(self.fd, struct.pack('<IiQ', 16 + len(body), -error, unique) + body)
            except OSError:
                pass # whoever asked was killed

    def _attributes(self, node):
        size, mode = (0, 0o40755) if node == ROOT else (len(self.nodes[node]), 0o100644)
        return struct.pack('<6Q10I', node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 512, 0)

    def _entry(self, node):
        return struct.pack('<4Q2I', node, 1, 0, 0, 0, 0) + self._attributes(node)

    def _rename(self, names):
        old, new = (name.decode() for name in names.split(b'\0')[:2])
        if old not in self.names:
            return errno.ENOENT
        self.names[new] = self.names.pop(old)
        return b''

    def _transfer(self, opcode, content, body):
        _, offset, size, *_ = TRANSFER.unpack_from(body)
        if opcode == READ:
            return bytes(content[offset:offset + size])
        content[offset:offset + size] = body[TRANSFER.size:TRANSFER.size + size]
        return struct.pack('<II', size, 0)

    def _answer_name(self, opcode, body):
        """For what names an entry of the directory."""
        if opcode == RENAME:
            return self._rename(body[8:])
        if opcode == RENAME2:
            return self._rename(body[16:])
        name = body[16 if opcode == CREATE else 0:].split(b'\0')[0].decode()
        if opcode == CREATE:
            node = self.names[name] = max(self.nodes) + 1
            self.nodes[node] = bytearray()
            return self._entry(node) + struct.pack('<QII', 1, DIRECT_IO, 0)
        if name not in self.names:
            return errno.ENOENT
        if opcode == UNLINK:
            del self.names[name]
            return b''
        return self._entry(self.names[name])

    def _answer(self, opcode, node, body):
        """The reply's bytes, an errno, or None where none is wanted."""
        if opcode == INIT:
            return struct.pack('<IIIIHHIIHH8I', 7, 31, 1 << 20, 0, 12, 9, 1 << 20, 1, 0, 0, *[0] * 8)
        if opcode in (FORGET, BATCH_FORGET):
            return None
        if opcode in (LOOKUP, CREATE, UNLINK, RENAME, RENAME2):
            return self._answer_name(opcode, body)
        if opcode in (GETATTR, SETATTR):
            if opcode == SETATTR and struct.unpack_from('<I', body)[0] & FATTR_SIZE:
                del self.nodes[node][struct.unpack_from('<Q', body, 16)[0]:]
            return struct.pack('<QII', 0, 0, 0) + self._attributes(node)
        if opcode in (OPEN, OPENDIR):
            return struct.pack('<QII', 1, DIRECT_IO, 0)
        if opcode in (READ, WRITE):
            return self._transfer(opcode, self.nodes[node], body)
        if opcode == STATFS:
            return struct.pack('<5Q10I', 1, 1, 1, 1, 1, 512, 255, 512, *[0] * 7)
        return b'' if opcode in SILENT else errno.ENOSYS
