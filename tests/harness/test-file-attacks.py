#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks on [file] rules and on handles, through a running agent: links of /proc, mounts over the
rule's directory, names and handles that are none, files that shrink. Usage: PROGRAM"""
import ctypes
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from jobhost import Commands, Refused, decode, encode, play
from policyhost import PolicyAgent

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 0x4000 | 0x40000
# Not below /tmp: a rule wants directories that are root's alone on the whole way.
TOP = tempfile.mkdtemp(prefix="tenon-files-", dir="/var/lib")
MIB = 1 << 20


def mount_tmpfs(path, size):
    """A file system of SIZE at PATH, in this test's own name space."""
    os.makedirs(path, exist_ok=True)
    if LIBC.mount(b"tmpfs", path.encode(), b"tmpfs", 0, f"size={size}".encode()) < 0:
        raise OSError(ctypes.get_errno(), f"mount {path}")


def unmount(path):
    LIBC.umount2(path.encode(), 2)


def under_rule(access, more="", setting=""):
    """An agent whose only files are those below a fresh directory; that directory."""
    directory = tempfile.mkdtemp(dir=TOP)
    return PolicyAgent(sys.argv[1], f"[policy]\nerror-detail = full\n{setting}"
                       f"[commands]\nallow = @sync @info\n"
                       f"[file f]\npath = {directory}\naccess = {access}\n{more}"), directory


def open_error(ask, path, mode="r"):
    """The text with which opening PATH fails."""
    return ask.refused("guest-file-open", path=path, mode=mode)["desc"]


def links_of_proc(_ask, _agent):
    """55: a link of /proc leads anywhere, whatever the path looks like."""
    agent, directory = under_rule("read", "symlinks = yes\n")
    with agent, agent.connect() as link:
        ask = Commands(link)
        secret = os.path.join(TOP, "secret")
        for path in (secret, os.path.join(directory, "inside")):
            with open(path, "w", encoding="ascii") as out:
                out.write("x")
        # What is refused below is refused for where it leads, not because it is a link.
        os.symlink("inside", os.path.join(directory, "good"))
        handle = ask("guest-file-open", path=os.path.join(directory, "good"), mode="r")
        ask("guest-file-close", handle=handle)
        for name, target in (("root", "/proc/self/root" + secret), ("cwd", "/proc/1/cwd"),
                             ("fd", "/proc/self/fd/0"), ("abs", secret), ("up", "../secret")):
            os.symlink(target, os.path.join(directory, name))
            open_error(ask, os.path.join(directory, name))
        open_error(ask, "/proc/self/root" + directory + "/x")


def mounts_over_it(_ask, _agent):
    """57: what is mounted below the directory is not the rule's, unless it says so."""
    agent, directory = under_rule("read")
    inside = os.path.join(directory, "mounted")
    with agent:
        mount_tmpfs(inside, "1m")
        try:
            with open(os.path.join(inside, "a"), "w", encoding="ascii") as out:
                out.write("x")
            with agent.connect() as link:
                open_error(Commands(link), os.path.join(inside, "a"))
        finally:
            unmount(inside)


def names_that_are_none(_ask, _agent):
    """60: NUL, a newline, 4096 bytes, "..", bytes that are no UTF-8."""
    agent, directory = under_rule("read write create")
    with agent, agent.connect() as link:
        ask = Commands(link)
        for name in ("/../../etc/passwd", "/./a", "//a", "/" + "a" * 4096, "/" + "a/" * 3000, "/a\nb/.."):
            open_error(ask, directory + name, "w")
        reply = link.ask(b'{"execute":"guest-file-open","arguments":{"path":"'
                         + directory.encode() + b'/\\u0000a","mode":"w"}}\n')
        assert "error" in reply, reply
        reply = link.ask(b'{"execute":"guest-file-open","arguments":{"path":"'
                         + directory.encode() + b'/\xc3(","mode":"w"}}\n')
        assert "error" in reply, reply
        assert os.listdir(directory) == []
        ask("guest-file-close", handle=ask("guest-file-open", path=directory + "/a", mode="w"))


def handles_that_are_none(ask, agent):
    """61: never opened, negative, huge, closed. All connections to a socket are one channel, whose
    handles outlive each of them; that channels differ is a unit test."""
    path = os.path.join(agent.directory, "mine")
    handle = ask("guest-file-open", path=path, mode="w")
    with agent.connect() as link:
        other = Commands(link)
        for number in (-1, -handle, 0, 2 ** 63 - 1, handle + 1):
            for command, more in (("guest-file-read", {}), ("guest-file-close", {}),
                                  ("guest-file-write", {"buf_b64": "eA=="}),
                                  ("guest-file-flush", {}),
                                  ("guest-file-seek", {"offset": 0, "whence": 0})):
                text = other.refused(command, handle=number, **more)["desc"]
                assert "handle" in text, text
    for count in (-1, 2 ** 62):
        ask.refused("guest-file-read", handle=handle, count=count)
    assert ask("guest-file-write", handle=handle, buf_b64=encode(b"still"))["count"] == 5
    ask("guest-file-close", handle=handle)
    ask.refused("guest-file-close", handle=handle)
    with open(path, "rb") as data:
        assert data.read() == b"still"


def ask_open(ask, path):
    """The words with which PATH cannot be opened for writing; "" when it can."""
    try:
        ask("guest-file-close", handle=ask("guest-file-open", path=path, mode="r+"))
        return ""
    except Refused as refusal:
        return refusal.error["desc"]


def count_open(agent, path):
    """How often the agent holds PATH open."""
    fds = f"/proc/{agent.process.pid}/fd"
    return [os.path.realpath(os.path.join(fds, fd)) for fd in os.listdir(fds)].count(path)


def handles_after_a_reload(_ask, _agent):
    """61, after revoke: a handle goes with the rule that allowed its file, and with no other."""
    agent, directory = under_rule("read write create")
    kept, lost = (os.path.join(directory, name) for name in ("kept", "lost"))
    rule = "[commands]\nallow = @sync @info\n[file f]\npath = {}\naccess = {}\n"
    with agent, agent.connect() as link:
        ask = Commands(link)
        for path in (kept, lost):
            with open(path, "w", encoding="ascii") as out:
                out.write("x")
        reader = ask("guest-file-open", path=kept, mode="r")
        writers = [ask("guest-file-open", path=lost, mode="r+") for _ in range(3)]
        upload = ask("tenon-file-put-open", path=directory + "/new", size=1)["upload"]
        ask("tenon-file-put", upload=upload, offset=0, buf_b64="eA==")
        agent.reload(rule.format(directory, "read"))
        end = time.monotonic() + 5
        while ask_open(ask, lost) == "" and time.monotonic() < end:
            time.sleep(0.01)
        assert decode(ask("guest-file-read", handle=reader)["buf-b64"]) == b"x"
        for command, more in (("tenon-file-put", {"offset": 1, "buf_b64": "eA=="}),
                              ("tenon-file-put-close", {})):
            text = ask.refused(command, upload=upload, **more)["desc"]
            assert "the policy no longer allows its file" in text, text
        assert not os.path.exists(directory + "/new")
        ask("tenon-file-put-drop", upload=upload)
        assert sorted(os.listdir(directory)) == ["kept", "lost"]
        for handle, (command, more) in zip(writers, (
                ("guest-file-write", {"buf_b64": "eA=="}), ("guest-file-read", {}),
                ("guest-file-seek", {"offset": 0, "whence": 0}))):
            text = ask.refused(command, handle=handle, **more)["desc"]
            assert "the policy no longer allows its file" in text, text
            # It is closed, not only refused.
            assert "not been found" in ask.refused(command, handle=handle, **more)["desc"]
        assert count_open(agent, lost) == 0 and count_open(agent, kept) == 1
        ask("guest-file-close", handle=reader)


def unused_handles(_ask, _agent):
    """A file that nobody uses is closed; one that is used is not."""
    agent, directory = under_rule("read", setting="handle-idle = 1500ms\n")
    paths = [os.path.join(directory, name) for name in ("used", "unused")]
    with agent, agent.connect() as link:
        ask = Commands(link)
        for path in paths:
            with open(path, "w", encoding="ascii") as out:
                out.write("x")
        used, unused = (ask("guest-file-open", path=path, mode="r") for path in paths)
        end = time.monotonic() + 20
        while count_open(agent, paths[1]) == 1 and time.monotonic() < end:
            ask("guest-file-seek", handle=used, offset=0, whence=0)
            time.sleep(0.1)
        assert "not been found" in ask.refused("guest-file-read", handle=unused)["desc"]
        assert decode(ask("guest-file-read", handle=used)["buf-b64"]) == b"x"


def a_file_that_shrinks(ask, agent):
    """Read while others cut it: an end, never what was not there."""
    path = os.path.join(agent.directory, "shrinks")
    with open(path, "wb") as out:
        out.write(b"a" * MIB)
    handle = ask("guest-file-open", path=path, mode="r")
    assert ask("guest-file-read", handle=handle, count=4096)["count"] == 4096
    os.truncate(path, 100)
    reply = ask("guest-file-read", handle=handle, count=4096)
    assert reply["count"] == 0 and reply["eof"], reply
    assert decode(reply["buf-b64"]) == b""
    ask("guest-file-close", handle=handle)


def places_that_are_none(ask, agent):
    """Offsets and counts in front of a file and behind all files: an error, and nothing moves."""
    path = os.path.join(agent.directory, "places")
    with open(path, "wb") as out:
        out.write(b"0123456789")
    handle = ask("guest-file-open", path=path, mode="r")
    for offset in (-1, -(1 << 63), (1 << 63) - 1):
        ask.refused("tenon-file-read-at", handle=handle, offset=offset, count=1)
    for count in (-1, (48 << 20) + 1, (1 << 63) - 1):
        ask.refused("guest-file-read", handle=handle, count=count)
        ask.refused("tenon-file-read-at", handle=handle, offset=0, count=count)
    for whence in (-1, 3):
        ask.refused("guest-file-seek", handle=handle, offset=0, whence=whence)
    ask.refused("guest-file-seek", handle=handle, offset=-1, whence="set")
    reply = ask("tenon-file-read-at", handle=handle, offset=1 << 40, count=1)
    assert reply["count"] == 0 and reply["eof"], reply
    assert decode(ask("tenon-file-read-at", handle=handle, offset=7, count=9)["buf-b64"]) == b"789"
    assert decode(ask("guest-file-read", handle=handle)["buf-b64"]) == b"0123456789"
    ask("guest-file-close", handle=handle)


def main():
    if os.geteuid() != 0 or LIBC.unshare(CLONE_NEWNS) < 0:
        print("needs root and a mount name space of its own")
        sys.exit(77)
    LIBC.mount(b"none", b"/", None, MS_REC_PRIVATE, None)
    os.chmod(TOP, 0o755)
    try:
        play([links_of_proc, mounts_over_it, names_that_are_none, handles_that_are_none,
              handles_after_a_reload, unused_handles, a_file_that_shrinks,
              places_that_are_none], sys.argv[1])
    finally:
        shutil.rmtree(TOP, ignore_errors=True)


if __name__ == "__main__":
    main()
