#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Attack 5: the policy changes under 10,000 requests. Usage: test-policy-reload.py PROGRAM

Good, bad and shrinking policies in turn, as fast as they can be written. What a request is told and
what its program is given come from one version: the rule's arguments, its name and its variable
never mix, and guest-info lists what exactly one version allows.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
from jobhost import Refused, decode
from policyhost import play

REQUESTS = 10000
RELOADS = 100
COMMON = "[policy]\nerror-detail = full\n[commands]\nallow = @sync\n"
RULE = ("[exec {name}]\npath = /usr/bin/printenv\nargs = VERSION {name}\nenv-set = VERSION={name}\n"
        "profile = unrestricted\nconcurrent = 1000\n")
# One and two differ in all that a request can see; three has no rule at all.
ONE = COMMON + RULE.format(name="one")
TWO = COMMON + RULE.format(name="two")
SHRUNK = COMMON
BAD = COMMON + "[exec three\n"


class Changes:
    """Writes policies until it is told to stop."""

    def __init__(self, agent):
        self.agent = agent
        self.count = 0
        self.over = False
        self.thread = threading.Thread(target=self.change)

    def change(self):
        """The order that makes every pair of neighbours differ."""
        while not self.over:
            for text in (ONE, BAD, TWO, SHRUNK, BAD, TWO, ONE, SHRUNK):
                self.agent.reload(text)
                self.count += 1
                time.sleep(0.003)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()


def judge_run(ask, name):
    """Which version answered a request that only version NAME allows."""
    other = {"one": "two", "two": "one"}[name]
    try:
        pid = ask("guest-exec", path="/usr/bin/printenv", arg=["VERSION", name],
                  capture_output=True)["pid"]
    except Refused as refusal:
        text = refusal.error["desc"]
        if "has been disabled" in text:
            assert refusal.error["class"] == "CommandNotFound", refusal.error
            return "shrunk"
        assert "denied by policy [rule=default" in text, text
        assert f'"{name}" is not {other}' in text, text
        return other
    return (name, pid)


def judge_info(ask):
    """Which version guest-info speaks for: with a rule or without."""
    enabled = {c["name"] for c in ask("guest-info")["supported_commands"] if c["enabled"]}
    # Results stay within reach of whoever began something, whatever holds now.
    always = {"guest-sync", "guest-sync-delimited", "guest-ping", "guest-info",
              "guest-exec-status"}
    assert always <= enabled, enabled
    begins = enabled & {"guest-exec", "tenon-exec"}
    if not begins:
        return "shrunk"
    assert begins == {"guest-exec", "tenon-exec"}, begins
    return "rule"


def versions_never_mix(ask, agent):
    """So many requests, and more until there was a fair number of reloads between them."""
    seen = {}
    running = []
    number = 0
    with Changes(agent) as changes:
        while number < REQUESTS or (changes.count < RELOADS and number < 20 * REQUESTS):
            if number % 10 == 9:
                verdict = judge_info(ask)
            else:
                verdict = judge_run(ask, "one" if number % 2 else "two")
            if isinstance(verdict, tuple):
                running.append(verdict)
                verdict = "ran " + verdict[0]
            seen[verdict] = seen.get(verdict, 0) + 1
            # A result is not lost with the policy that allowed it.
            if len(running) >= 50:
                finish(ask, running)
            number += 1
        count = changes.count
    finish(ask, running)
    assert set(seen) == {"one", "two", "shrunk", "rule", "ran one", "ran two"}, seen
    assert count >= RELOADS, count
    print(f"     {number} requests, {count} reloads: {seen}")


def finish(ask, running):
    """The variable that the program saw is that of the rule that let it run."""
    while running:
        name, pid = running.pop()
        status = ask.finish(pid)
        # printenv prints both names it was asked for, and fails for the one that is not set.
        assert decode(status["out-data"]) == name.encode() + b"\n", (name, status)


if __name__ == "__main__":
    play([(versions_never_mix, ONE)], sys.argv[1])
