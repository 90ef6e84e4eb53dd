# SPDX-License-Identifier: Apache-2.0
"""What the plays of programs share: commands as functions, output as bytes."""
import base64
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from host import Agent, Failure  # noqa: E402  pylint: disable=wrong-import-position


class Refused(Exception):
    """An error reply."""

    def __init__(self, error):
        super().__init__(error["desc"])
        self.error = error


class Commands:
    """host.ask with the reply unpacked: commands('guest-ping', name=value)."""

    def __init__(self, link):
        self.link = link

    def __call__(self, command, deadline=40.0, **arguments):
        arguments = {name.replace("_", "-"): value for name, value in arguments.items()}
        reply = self.link.ask({"execute": command, "arguments": arguments}, deadline)
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["return"]

    def refused(self, command, **arguments):
        """The error object of a request that must fail."""
        try:
            self(command, **arguments)
        except Refused as refusal:
            return refusal.error
        raise Failure(f"{command} did not fail")

    def start(self, script, **arguments):
        """guest-exec of a shell script; the pid."""
        return self("guest-exec", path="/bin/sh", arg=["-c", script], **arguments)["pid"]

    def finish(self, pid):
        """The status once the program has ended."""
        while True:
            status = self("guest-exec-status", pid=pid)
            if status["exited"]:
                return status

    def run(self, script, **arguments):
        """Both of the above, with captured output."""
        arguments.setdefault("capture_output", True)
        return self.finish(self.start(script, **arguments))


def encode(data):
    """Bytes for the wire."""
    return base64.b64encode(data).decode()


def decode(text):
    """Bytes from the wire."""
    return base64.b64decode(text, validate=True)


def children_of(agent):
    """Processes whose parent is the agent, dead ones included."""
    found = []
    for task in os.listdir(f"/proc/{agent.process.pid}/task"):
        with open(f"/proc/{agent.process.pid}/task/{task}/children", encoding="ascii") as children:
            found += [int(pid) for pid in children.read().split()]
    return found


def play_each(pairs):
    """Runs checks, each with commands and an agent of its own: PAIRS of a check and what makes its
    agent. Ends the process."""
    failed = 0
    for check, start in pairs:
        try:
            with start() as agent, agent.connect() as link:
                check(Commands(link), agent)
            print(f"ok   {check.__name__}", flush=True)
        except Exception as why:  # pylint: disable=broad-except
            failed += 1
            traceback.print_exc(file=sys.stdout)
            print(f"FAIL {check.__name__}", flush=True)
    sys.exit(1 if failed else 0)


def play(checks, program):
    """The same with plain agents of PROGRAM."""
    play_each([(check, lambda: Agent(program)) for check in checks])
