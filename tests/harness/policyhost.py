# SPDX-License-Identifier: Apache-2.0
"""What the plays of policies share: an agent with a policy of its own, and its records."""
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import jobhost
from host import Agent, Failure

SKIPPED = 77
SINKS = ("/run/systemd/journal", "/dev/log")
# Where the machine has a journal the records would go there: then the agent sees none.
WRAPPER = """#!/bin/sh
[ ! -d /run/systemd/journal ] || mount -t tmpfs none /run/systemd/journal || exit 1
[ ! -e /dev/log ] || mount --bind /dev/null /dev/log || exit 1
exec "{program}" "$@"
"""


class PolicyAgent(Agent):
    """An agent under a policy that can be replaced; its records stand in a file."""

    def __init__(self, program, text):
        self.policy = tempfile.mkdtemp(prefix="tenon-policy-")
        self.write(text)
        options = [f"--policy={self.policy}"]
        if any(os.path.exists(path) for path in SINKS):
            wrapper = os.path.join(self.policy, ".wrapper")
            with open(wrapper, "w", encoding="utf-8") as out:
                out.write(WRAPPER.format(program=program))
            os.chmod(wrapper, 0o700)
            super().__init__("unshare", "-m", wrapper, *options)
        else:
            super().__init__(program, *options)

    def write(self, text):
        """Puts a policy in the place of the one before, at once."""
        hidden = os.path.join(self.policy, ".new")
        with open(hidden, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(hidden, 0o600)
        os.rename(hidden, os.path.join(self.policy, "50-test.conf"))

    def expect_small(self, limit_kib, beyond_kib=0):
        """Its highest resident size. A sanitizer keeps what was freed, so there it says little."""
        peak = self.status("VmHWM") - beyond_kib
        assert peak < limit_kib or self.is_sanitized(), peak
        return peak

    def reload(self, text):
        """The same, and tells the agent."""
        self.write(text)
        self.process.send_signal(signal.SIGHUP)

    def records(self, wanted=lambda record: True, count=None, seconds=5):
        """The records so far, or COUNT of them as soon as there are so many."""
        end = time.monotonic() + seconds
        while True:
            found = []
            for name in ("audit.jsonl.1", "audit.jsonl"):
                path = os.path.join(self.directory, name)
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as lines:
                        found += [json.loads(line) for line in lines.read().splitlines()]
            found = [record for record in found if wanted(record)]
            if count is None or len(found) >= count:
                return found
            if time.monotonic() > end:
                raise Failure(f"{len(found)} records instead of {count}: {found}")
            time.sleep(0.02)

    def discard(self):
        super().discard()
        shutil.rmtree(self.policy, ignore_errors=True)


def play(checks, program):
    """Runs CHECKS, pairs of a function and a policy, each with an agent of its own; ends the
    process. Needs root, since a policy gives users."""
    if os.geteuid() != 0:
        print("SKIP only root can give a program to another user")
        sys.exit(SKIPPED)
    jobhost.play_each([(check, functools.partial(PolicyAgent, program, policy))
                       for check, policy in checks])
