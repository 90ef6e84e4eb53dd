#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The facts: every reply has the shape of qemu-ga's interface, and says what qemu-ga says.

usage: test-facts.py TENOND [QEMU-GA]

shapes.json has the interface. What differs in value is listed in differences.json under "facts";
each entry names how the two are made comparable here, and fails when it is not needed any more
where this machine can tell. Without qemu-ga only the shapes are checked (exit 77).
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'harness'))
import host  # noqa: E402

PLAIN = {
    'str': lambda v: isinstance(v, str),
    'bool': lambda v: isinstance(v, bool),
    'number': lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    'int': lambda v: type(v) is int and -2**63 <= v < 2**63,
    'uint64': lambda v: type(v) is int and 0 <= v < 2**64,
}
# Moves between two questions, or depends on who asks.
MOVING = {'statistics', 'used-bytes', 'total-bytes', 'stats', 'user', 'system', 'idle', 'iowait',
          'softirq', 'irq', 'steal', 'nice'}


def check_shape(types, name, value, path, wrong):
    """Appends to WRONG what does not fit type NAME."""
    if name.startswith('['):
        if not isinstance(value, list):
            wrong.append(f'{path}: not a list')
            return
        for at, element in enumerate(value):
            check_shape(types, name[1:-1], element, f'{path}[{at}]', wrong)
    elif name in PLAIN:
        if not PLAIN[name](value):
            wrong.append(f'{path}: {value!r} is no {name}')
    elif 'values' in types[name]:
        if value not in types[name]['values']:
            wrong.append(f'{path}: {value!r} is not one of {name}')
    else:
        check_struct(types, types[name], value, path, wrong)


def check_struct(types, shape, value, path, wrong):
    if not isinstance(value, dict):
        wrong.append(f'{path}: not an object')
        return
    members = dict(shape['members'])
    if 'tag' in shape and value.get(shape['tag']) in shape['branches']:
        members.update(types[shape['branches'][value[shape['tag']]]]['members'])
    for member, name in members.items():
        if member in value:
            check_shape(types, name.rstrip('?'), value[member], f'{path}.{member}', wrong)
        elif not name.endswith('?'):
            wrong.append(f'{path}.{member}: missing')
    for member in value:
        if member not in members:
            wrong.append(f'{path}.{member}: not in the interface')


def strip_members(value, names):
    """VALUE without the members NAMES, at any depth."""
    if isinstance(value, dict):
        return {k: strip_members(v, names) for k, v in value.items() if k not in names}
    if isinstance(value, list):
        return [strip_members(v, names) for v in value]
    return value


def sort_by(*members):
    return lambda value: sorted(value, key=lambda entry: [entry[m] for m in members])


def by_interface(value):
    for interface in value:
        if 'ip-addresses' in interface:
            interface['ip-addresses'].sort(key=lambda a: (a['ip-address-type'], a['ip-address']))
    return sorted(value, key=lambda entry: entry['name'])


# Command, what makes the two comparable, the ids of the differences that this levels.
COMPARED = [
    ('guest-get-osinfo', lambda v: v, []),
    ('guest-get-host-name', lambda v: v, []),
    ('guest-get-timezone', lambda v: v, []),
    ('guest-get-users', lambda v: v, []),
    ('guest-get-memory-block-info', lambda v: v, []),
    ('guest-get-vcpus', sort_by('logical-id'), ['order-by-number']),
    ('guest-get-memory-blocks', sort_by('phys-index'), ['order-by-number']),
    ('guest-get-cpustats', lambda v: v, []),
    ('guest-get-diskstats', lambda v: v, []),
    ('guest-network-get-interfaces', by_interface, ['order-of-interfaces']),
    ('guest-get-fsinfo', lambda v: strip_members(v, {'serial', 'total-bytes-privileged'}),
     ['serial-without-udev', 'since-9.1']),
    ('guest-get-disks', lambda v: sort_by('name')(strip_members(v, {'serial'})),
     ['order-by-name', 'serial-without-udev']),
]


def ask(link, command):
    return link.ask({'execute': command}, deadline=20)


def check_shapes(link, interface):
    n_wrong = 0
    for command, name in interface['commands'].items():
        reply = ask(link, command)
        wrong = []
        if 'return' not in reply:
            if command == 'guest-get-memory-block-info' and 'No such file' in str(reply):
                continue
            # Verbs of another subject come with it.
            if reply['error']['class'] == 'CommandNotFound':
                print(f'none {command}')
                continue
            wrong.append(f'{command}: {reply}')
        else:
            check_shape(interface['types'], name, reply['return'], command, wrong)
        print('\n'.join(wrong[:10]) or f'ok   {command}')
        n_wrong += bool(wrong)
    return n_wrong


def compare(ours, theirs, listed):
    n_wrong = 0
    used = set()
    for command, level, ids in COMPARED:
        left, right = ask(ours, command), ask(theirs, command)
        used.update(ids)
        if 'CommandNotFound' in (left.get('error', {}).get('class'),
                                 right.get('error', {}).get('class')):
            print(f'none {command}')
            continue
        if 'error' in left or 'error' in right:
            same = left.get('error') == right.get('error')
        else:
            left, right = (level(strip_members(v['return'], MOVING)) for v in (left, right))
            same = left == right
        print(f'same {command}' if same else f'DIFFERENT {command}:\n  {left}\n  {right}')
        n_wrong += not same
    for name in used - listed:
        print(f'{name}: not in differences.json')
    return n_wrong + len(used - listed)


def main():
    tenond = sys.argv[1]
    qemu_ga = sys.argv[2] if len(sys.argv) > 2 else '/usr/sbin/qemu-ga'
    with open(os.path.join(HERE, 'shapes.json'), encoding='utf-8') as source:
        interface = json.load(source)
    with open(os.path.join(HERE, 'differences.json'), encoding='utf-8') as source:
        listed = {entry['id'] for entry in json.load(source)['facts']}
    with host.Agent(tenond) as agent, agent.connect() as ours:
        n_wrong = check_shapes(ours, interface)
        if not os.access(qemu_ga, os.X_OK):
            print(f'no {qemu_ga} to compare with')
            sys.exit(1 if n_wrong else 77)
        other = host.Agent(qemu_ga)
        try:
            with other.connect() as theirs:
                n_wrong += compare(ours, theirs, listed)
        finally:
            # How the other agent ends is not judged here: it may be stuck in its channel.
            other.process.kill()
            other.process.wait()
            other.discard()
    sys.exit(1 if n_wrong else 0)


if __name__ == '__main__':
    main()
