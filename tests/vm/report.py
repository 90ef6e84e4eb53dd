# SPDX-License-Identifier: Apache-2.0
"""Named checks, counted.

A check is a function that returns on success (what it returns is printed behind its name, for
figures), raises Skip when the machine cannot run it, and raises anything else to fail. Checks run
in the order in which they were declared; one that fails does not stop the next ones.
"""

import json
import re
import sys
import time
import traceback


class Skip(Exception):
    """The check cannot run here; the text says what is missing."""


class Failed(Exception):
    """The guest did something else than promised; the text says what."""


class GuestError(Failed):
    """An agent's error, libvirt's word about it, or an answer that did not come."""


def expect(condition, text):
    """Fails the running check with TEXT unless CONDITION holds."""
    if not condition:
        raise Failed(text)


class Report:
    """Collects the checks of one guest and counts their outcomes."""

    def __init__(self, suite):
        self.suite = suite
        self.checks = []
        self.passed = []
        self.failed = []
        self.skipped = []

    def check(self, name):
        """Decorator: declares a check under NAME."""
        def add(function):
            self.checks.append((name, function))
            return function
        return add

    def run(self, context, only=None, on_failure=None):
        """Runs all checks (those whose name matches the pattern ONLY) with CONTEXT."""
        for name, function in self.checks:
            if only and not re.search(only, name):
                continue
            started = time.monotonic()
            try:
                note = function(context)
            except Skip as skip:
                self.skipped.append(name)
                outcome, note = 'SKIP', str(skip)
            except Exception as error:  # pylint: disable=broad-except
                self.failed.append(name)
                outcome = 'FAIL'
                note = str(error) or type(error).__name__
                if not isinstance(error, Failed):
                    note += '\n' + traceback.format_exc(limit=-3)
                if on_failure:
                    note += on_failure(context)
            else:
                self.passed.append(name)
                outcome = 'ok  '
            seconds = time.monotonic() - started
            print(f'{outcome} {self.suite}: {name} ({seconds:.1f} s)' + (f': {note}' if note else ''),
                  flush=True)

    def abort(self, text):
        """Counts one failure for a guest that never got as far as its checks."""
        self.failed.append('the guest starts')
        print(f'FAIL {self.suite}: the guest starts: {text}', flush=True)

    def finish(self, json_path=None):
        """Prints the line of counts, writes them to JSON_PATH, returns the exit code."""
        counts = {'passed': len(self.passed), 'failed': len(self.failed),
                  'skipped': len(self.skipped)}
        if json_path:
            with open(json_path, 'w', encoding='utf-8') as out:
                json.dump(counts, out)
        print(f"{self.suite}: {counts['passed']} passed, {counts['failed']} failed, "
              f"{counts['skipped']} skipped", flush=True)
        sys.stdout.flush()
        return 1 if self.failed else 0
