# SPDX-License-Identifier: Apache-2.0
"""What every test in a guest does around its checks: options, a limit in time, the count."""

import argparse
import os
import signal

from initramfs import Missing


def parse_options(description, limit, **programs):
    """Reads the command line. PROGRAMS: further options by name, each with its help; all are
    required, save those whose help begins with "if"."""
    parser = argparse.ArgumentParser(description=description.split('\n', maxsplit=1)[0])
    for name, text in programs.items():
        parser.add_argument(f'--{name}', required=not text.startswith('if '), help=text)
    parser.add_argument('--only', help='run only checks whose name matches this pattern')
    parser.add_argument('--json', help='write the counts to this file')
    parser.add_argument('--limit', type=int, default=limit, help='seconds for the whole run')
    parser.add_argument('--cache', default=os.path.join(
        os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'tenon-tests'))
    return parser.parse_args()


def run(report, options, boot):
    """Calls BOOT, which boots a guest and runs REPORT's checks in it, within the limit; what keeps
    it from that counts as a failure. Prints the count, returns the exit code."""
    def out_of_time(*_):
        raise SystemExit('out of time, or told to stop')

    for signum in (signal.SIGALRM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, out_of_time)
    signal.alarm(options.limit)
    try:
        boot()
    except Missing as missing:
        report.abort(str(missing))
    except SystemExit as stop:
        report.abort(str(stop))
    return report.finish(options.json)
