# SPDX-License-Identifier: Apache-2.0
"""Transcripts: what a host sends and what must come back, as text files.

    # a comment
    == group/name              one case, on a connection of its own
    needs guest-set-vcpus      left out when the agent does not offer it
    > {"execute":"guest-ping"} sent as it stands, then a newline; \\n, \\xff, \\" as in Python's bytes
    >> {"execute":             sent without a newline
    * 3000 [                   sent 3000 times
    < {"return": {}}           the next line, compared as JSON
    <raw \\xff{"return": 1}     the next line, byte for byte
    until {"return": {}}       as <, but what was sent last is sent again until it comes (10 s)
    close                      the host goes and comes again

Everything sent up to the next `<` goes out in one write. In an expected value "*" stands for any
value and "re:X" for a string that the regular expression X matches as a whole; a member "**": "*"
allows members that are not named; "$X" stands for any value and gives it a name: ${X} in what is sent
later. At the end of a case nothing more may be there: a last guest-sync
must be answered next.
"""
import json
import re
import sys
import time

from host import SLOW, Failure

sys.setrecursionlimit(5000)  # one case nests 1023 deep


class Case:
    def __init__(self, name):
        self.name = name
        self.needs = []
        self.steps = []

    def is_dialogue(self):
        """Whether what is sent depends on what came before."""
        return any(kind == "until" or kind == "send" and b"${" in value for kind, value in self.steps)


def unescape(text):
    return text.encode("utf-8").decode("unicode_escape").encode("latin-1") if "\\" in text else text.encode()


def parse_line(case, line):
    if line.startswith("needs "):
        case.needs += line.split()[1:]
    elif line.startswith(">> "):
        case.steps.append(("send", unescape(line[3:])))
    elif line.startswith("> "):
        case.steps.append(("send", unescape(line[2:]) + b"\n"))
    elif line.startswith("* "):
        count, text = line[2:].split(" ", 1)
        case.steps.append(("send", unescape(text) * int(count)))
    elif line.startswith("<raw "):
        case.steps.append(("raw", unescape(line[5:]) + b"\n"))
    elif line.startswith("< "):
        case.steps.append(("expect", json.loads(line[2:])))
    elif line.startswith("until "):
        case.steps.append(("until", json.loads(line[6:])))
    elif line == "close":
        case.steps.append(("close", None))
    else:
        raise ValueError(f"{case.name}: cannot read {line!r}")


def load(path):
    cases = []
    with open(path, encoding="utf-8") as text:
        for line in text:
            line = line.rstrip("\n")
            if line.startswith("== "):
                cases.append(Case(line[3:].strip()))
            elif line.strip() and not line.startswith("#"):
                parse_line(cases[-1], line)
    return cases


def same(expected, actual, names=None):
    """Whether ACTUAL is what EXPECTED (with its wild cards) allows; bool and int are not the same.
    NAMES takes the values that EXPECTED gives a name."""
    if isinstance(expected, str):
        if expected.startswith("$") and names is not None:
            names[expected[1:]] = actual
            return True
        if expected == "*":
            return True
        if expected.startswith("re:"):
            return isinstance(actual, str) and re.fullmatch(expected[3:], actual, re.S) is not None
        return expected == actual
    if isinstance(expected, dict):
        named = {key: value for key, value in expected.items() if key != "**"}
        if not isinstance(actual, dict) or not named.keys() <= actual.keys():
            return False
        if "**" not in expected and named.keys() != actual.keys():
            return False
        return all(same(value, actual[key], names) for key, value in named.items())
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(expected) == len(actual)
            and all(same(e, a, names) for e, a in zip(expected, actual))
        )
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def check_form(line):
    """The rules that every line keeps, whatever it says."""
    body = line[1:] if line.startswith(b"\xff") else line
    if not re.fullmatch(rb'\{"(return|error)": [ -~]*\}\n', body):
        raise Failure(f"ill-formed line {line[:200]!r}")
    value = json.loads(body)
    if set(value) - {"return", "error", "id"}:
        raise Failure(f"foreign members in {line[:200]!r}")
    if value.get("return", 0) is None:
        raise Failure(f"null returned in {line[:200]!r}")


def finish(link, case, outgoing):
    """Sends what is left and a last request; returns the lines before its reply."""
    marker = 1000 + len(case.name)
    link.send(outgoing + b'\n{"execute":"guest-sync","arguments":{"id":%d}}\n' % marker)
    lines = []
    while True:
        line = link.line()
        if line == b'{"return": %d}\n' % marker:
            return lines
        lines.append(line)


def fill_in(data, names):
    return re.sub(rb"\$\{(\w+)\}", lambda m: json.dumps(names[m[1].decode()]).encode(), data)


def wait_until(link, request, wanted):
    """Sends REQUEST again and again until the answer is WANTED."""
    end = time.monotonic() + 10 * SLOW
    while True:
        line = link.line()
        if same(wanted, json.loads(line)):
            return
        if time.monotonic() > end:
            raise Failure(f"in the end only {line[:300]!r}")
        time.sleep(0.02)
        link.send(request)


def play(case, connect, is_ours=True, adapt=lambda value: value):
    """Plays CASE on links made by connect(), step by step; IS_OURS: every line must also have our
    form. ADAPT changes an expected value before it is compared."""
    link = connect()
    outgoing = last = b""
    names = {}
    try:
        for kind, value in case.steps:
            if kind == "send":
                outgoing += fill_in(value, names)
                continue
            if outgoing:
                link.send(outgoing)
                outgoing, last = b"", outgoing
            if kind == "close":
                link.close()
                link = connect()
                continue
            if kind == "until":
                wait_until(link, last, adapt(value))
                continue
            line = link.line()
            if is_ours:
                check_form(line)
            elif kind == "raw":
                kind, value = "expect", json.loads(value.lstrip(b"\xff"))
            check_line(kind, adapt(value) if kind == "expect" else value, line, names)
        lines = finish(link, case, outgoing)
        if lines:
            raise Failure(f"one line too many: {lines[0][:300]!r}")
    finally:
        link.close()


def play_loosely(case, connect):
    """Sends all of CASE and returns the lines that came, in any number (before the host goes: as many
    as the case waits for)."""
    link = connect()
    outgoing = b""
    lines = []
    n_due = 0
    try:
        for kind, value in case.steps:
            if kind == "send":
                outgoing += value
            elif kind != "close":
                n_due += 1
            else:
                link.send(outgoing)
                lines += [link.line() for _ in range(n_due)]
                outgoing, n_due = b"", 0
                link.close()
                link = connect()
        return lines + finish(link, case, outgoing)
    finally:
        link.close()


def check_lines(wanted, lines):
    """WANTED: one value (with wild cards) a line; "**" stands for any number of lines."""
    lines = list(lines)
    while wanted and wanted[-1] != "**":
        if not lines:
            raise Failure(f"no line for {wanted[-1]}")
        check_line("expect", wanted[-1], lines.pop())
        wanted = wanted[:-1]
    if wanted:
        for value in wanted[:-1]:
            check_line("expect", value, lines.pop(0) if lines else b"")
    elif lines:
        raise Failure(f"one line too many: {lines[0][:300]!r}")


def check_line(kind, wanted, line, names=None):
    if kind == "raw":
        if line != wanted:
            raise Failure(f"wanted {wanted!r}, got {line[:300]!r}")
        return
    body = line[1:] if line.startswith(b"\xff") else line
    try:
        value = json.loads(body)
    except ValueError:
        raise Failure(f"not JSON: {line[:300]!r}") from None
    if not same(wanted, value, names):
        raise Failure(f"wanted {json.dumps(wanted)[:300]}, got {line[:300]!r}")
