// SPDX-License-Identifier: MIT

import type { Mutant } from './server-mutants.ts';

const PROGRAM = 'bin/ninefold.cjs';
const DOOR = 'bin/ruddo.cjs';
const SHARED = 'src/broker/shared.js';
const CLIENT = 'bin/qrexec-client-vm.cjs';
const KEEPER = ['broker/keeper'];
const PLACE = ['broker/place'];
const KEPT = ['broker/kept'];
const HOSTILE = ['broker/hostile'];

/** Defences of a broker, and of what it started, against the machines that call it. */
export const BROKER_MUTANTS: readonly Mutant[] = [
  {
    name: 'broker: answers are written by a call that the machine can make wait',
    file: SHARED,
    from: /const n = sys\.send\(fd, mem,/,
    to: 'const n = sys.write(fd, mem,',
    seenBy: HOSTILE,
  },
  {
    name: 'broker: requests are read by a call that the machine can make wait',
    file: SHARED,
    from: /const n = sys\.recv\(fd, mem,/,
    to: 'const n = sys.read(fd, mem,',
    seenBy: HOSTILE,
  },
  {
    name: 'broker: the line of a connection is read by a call that the machine can make wait',
    file: SHARED,
    from: /read: sys\.recv/,
    to: 'read: sys.read',
    seenBy: HOSTILE,
  },
  {
    name: 'broker: what a machine passes may be no socket',
    file: DOOR,
    from: /this\.#unixOnly && !this\.#sys\.isUnixStream\(first\d*\)/,
    to: 'false',
    seenBy: HOSTILE,
  },
  {
    name: 'broker: what a machine has left in a connection is thrown away by the broker itself',
    file: PROGRAM,
    from: /this\.#dropped\.push\(fd\);/,
    to: 'return void this.#sys.close(fd);',
    seenBy: HOSTILE,
  },
  {
    name: 'broker: mounts outlive a broker that is killed',
    file: PROGRAM,
    from: /\|\| \{ kill -TERM 0; sleep 1; kill -KILL 0; \}/,
    to: '|| true',
    seenBy: KEPT,
  },
  {
    name: 'broker: mounts go on when the rules cannot be read',
    file: PROGRAM,
    from: /return "the list of rules is damaged"/,
    to: 'return void 0',
    seenBy: KEPT,
  },
  {
    name: 'broker: a mount has the end that its grant had when it began',
    file: 'src/broker/keeper.js',
    from: /until = end;/,
    to: '',
    seenBy: KEEPER,
  },
  {
    name: 'broker: its question stays open when it ends',
    file: PROGRAM,
    from: /await endQuestions\(\w+\);/,
    to: '',
    seenBy: ['broker/ask'],
  },
  {
    name: 'broker: it is looked for in a folder of anybody’s',
    file: CLIENT,
    from: /found\.uid !== process\.geteuid\?\.\(\)/,
    to: 'false',
    seenBy: PLACE,
  },
  {
    name: 'broker: anybody may be the broker of a user',
    file: CLIENT,
    from: /if \(uid === 0 \|\| uid === process\.geteuid\?\.\(\)\)/,
    to: 'if (true)',
    seenBy: PLACE,
  },
];
