# SPDX-License-Identifier: Apache-2.0
"""What the checks share: which files there are, C without its comments, one way to report."""

import os
import re
import sys

# The rooms of the product, and what is searched beside them.
ROOMS = ('agent', 'client', 'commands', 'platform', 'policy')
SKIPPED_DIRECTORIES = re.compile(r'^(build.*|\.git|\.cache|__pycache__|subprojects)$')


class Findings:
    """Collects 'file:line: text' lines; their count decides the exit code."""

    def __init__(self):
        self.n_found = 0

    def add(self, path, line, text):
        """Reports one."""
        self.n_found += 1
        print(f'{path}:{line}: {text}')

    def exit(self):
        """Ends the check."""
        if self.n_found:
            print(f'{self.n_found} found')
        sys.exit(1 if self.n_found else 0)


def list_files(root, tops=None, endings=None):
    """Yields paths relative to ROOT, sorted, below the directories TOPS, with one of ENDINGS."""
    for base, directories, names in os.walk(root):
        relative = os.path.relpath(base, root)
        directories[:] = sorted(d for d in directories if not SKIPPED_DIRECTORIES.match(d))
        if relative == '.' and tops is not None:
            directories[:] = [d for d in directories if d in tops]
            continue
        for name in sorted(names):
            # What a link leads to is found under its own name, or is not ours (captured trees).
            if name == '.git' or os.path.islink(os.path.join(base, name)):
                continue
            if endings is None or name.endswith(tuple(endings)):
                yield os.path.normpath(os.path.join(relative, name))


def read(root, path):
    """The text of a file."""
    with open(os.path.join(root, path), encoding='utf-8', errors='replace') as source:
        return source.read()


def blank_comments(text, blank_strings=True):
    """Replaces comments (and what stands in string literals) by blanks; lines keep their numbers."""
    token = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def blank(match):
        found = match.group(0)
        if found[0] in '"\'':
            if not blank_strings:
                return found
            return found[0] + ' ' * (len(found) - 2) + found[-1]
        return re.sub(r'[^\n]', ' ', found)

    return token.sub(blank, text)


def line_of(text, offset):
    """The number of the line in which OFFSET lies."""
    return text.count('\n', 0, offset) + 1


def root_argument():
    """The tree to check: the first argument, else the one that this file stands in."""
    if len(sys.argv) > 1:
        return sys.argv[1]
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
