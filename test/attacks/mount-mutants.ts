// SPDX-License-Identifier: MIT

import type { Mutant } from './server-mutants.ts';

const HOSTILE = ['hostile/hostile'];

/** Defences of the mount client against its server. */
export const MOUNT_MUTANTS: readonly Mutant[] = [
  {
    name: 'mount: replies of a wrong length are believed',
    file: 'src/p9-client/well-formed.js',
    from: /return have === fixed;/,
    to: 'return true;',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: counts may say more than there is',
    file: 'src/p9-client/well-formed.js',
    from: /r\.dv\.getUint32\(r\.pos, true\) === have - 4/,
    to: 'true',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: replies that nobody asked for are ignored',
    file: 'src/mount/engine.js',
    from: /if \(want === 0\)\s+return this\.violation\([^;]*;/,
    to: 'if (want === 0) return;',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: replies of another type are believed',
    file: 'src/mount/engine.js',
    from: /if \(type !== want && type !== RLERROR\)/,
    to: 'if (false)',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: more of a file than was asked for',
    file: 'src/mount/ops/io.js',
    from: /if \(n > op\.size2\)/,
    to: 'if (false)',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: names with a slash or NUL (CVE-2026-31694)',
    file: 'src/mount/names.js',
    from: /if \(c === 0 \|\| c === SLASH\)/,
    to: 'if (false)',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: names of any length (CVE-2026-31694)',
    file: 'src/mount/names.js',
    from: /if \(len === 0 \|\| len > NAME_MAX\)/,
    to: 'if (len === 0)',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: offsets of a listing that stay where they are',
    file: 'src/mount/ops/readdir.js',
    from: /if \(\(offsetLo === l\.nextLo && offsetHi === l\.nextHi\) \|\| offsetHi > 0x7fffffff\)/,
    to: 'if (false)',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: listings that go round in a circle',
    file: 'src/mount/listing.js',
    from: /if \(lo === this\.markLo && hi === this\.markHi\)\s+return false;/,
    to: '',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: an object that becomes another kind',
    file: 'src/mount/attrs.js',
    from: /\|\| node\.kind !== this\.kind/,
    to: '',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: errors that the kernel must not see',
    file: 'src/p9-client/errno.js',
    from: /if \(errno <= 0 \|\| errno > LARGEST \|\| errno === EINTR\)\s+return EIO;/,
    to: '',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: the root inside itself',
    file: 'src/mount/ops/lookup.js',
    from: /if \(attrs\.pathLo === e\.nodes\.root\.pathLo &&/,
    to: 'if (false &&',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: folders inside each other',
    file: 'src/mount/nodes.js',
    from: /if \(n\.parent !== node\)/,
    to: 'if (true)',
    seenBy: ['src/mount/nodes'],
  },
  {
    name: 'mount: replies in another order than was promised',
    file: 'src/mount/ops/lookup.js',
    from: /if \(op\.waiting > 0\)\s+e\.lie\(op, 'answered out of the order that it had promised'\);\s+else if/g,
    to: 'if',
    seenBy: ['hostile/hostile', 'fuzz/engine'],
  },
  {
    name: 'mount: a look answered before its walk',
    file: 'src/mount/fids.js',
    from: /if \(!op\.walked\) \{/,
    to: 'if (false) {',
    seenBy: ['fuzz/engine'],
  },
  {
    name: 'mount: a failed creation is looked up instead',
    file: 'src/mount/ops/lookup.js',
    from: /if \(op\.opcode !== OP\.lookup\)\s+return e\.error\(op, err\);/,
    to: '',
    seenBy: HOSTILE,
  },
  {
    name: 'mount: whoever waits for a silent server cannot be killed',
    file: 'src/mount/interrupts.js',
    from: /if \(dying === true \|\|/,
    to: 'if (false ||',
    seenBy: ['hostile/silence'],
  },
  {
    name: 'mount: an unmount is not noticed while the server takes nothing',
    file: 'src/mount/interrupts.js',
    from: /if \(e\.deviceGone\(\)\)/,
    to: 'if (false)',
    seenBy: ['faults/deaf'],
  },
  {
    name: 'mount: setuid programs run (nosuid)',
    file: 'bin/mount-worker.cjs',
    from: /MS_NOSUID = 2/,
    to: 'MS_NOSUID = 0',
    seenBy: ['src/cli/mount/mount'],
  },
];
