// SPDX-License-Identifier: MIT

import type { Mutant } from './server-mutants.ts';

const RECEIVER = 'bin/receive-worker.cjs';
const STREAMS = ['filecopy/bad-input'];
const ENGINE = ['src/filecopy/filecopy'];

/** Defences of who receives copied files, and of who sends them, against the other end. */
export const COPY_MUTANTS: readonly Mutant[] = [
  {
    name: 'copy: names are not judged',
    file: 'src/filecopy/receive.js',
    from: /const depth = checkName\(u8, from, to, options\.rules\);/,
    to: 'const depth = 2;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: targets of links are not judged',
    file: 'src/filecopy/receive.js',
    from: /depth < 0 \? depth : checkTarget\([^;]*;/,
    to: 'depth < 0 ? depth : 0;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: anything may be sent, devices too',
    file: 'src/filecopy/receive.js',
    from: /if \(type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK\)\s+return this\.blame\(EINVAL\);/,
    to: '',
    seenBy: STREAMS,
  },
  {
    name: 'copy: lengths of 2^53 and more are believed',
    file: 'src/filecopy/receive.js',
    from: /filelen > FILELEN_MAX \|\| /,
    to: '',
    seenBy: STREAMS,
  },
  {
    name: 'copy: a link that the sender made is followed',
    file: RECEIVER,
    from: /(var BENEATH = RESOLVE_BENEATH)[^;]*;(\s+var FOLDER = O_PATH \| O_DIRECTORY) \| O_NOFOLLOW;/,
    to: '$1;$2;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: a folder that was opened once is used for all that follows (QSB-014)',
    file: RECEIVER,
    from: /const r = (this\.sys\.openat2\(this\.rootFd, this\.dir, FOLDER, 0, BENEATH\));/,
    to: `const key = Buffer.from(this.dir.u8.slice(0, this.dirLength)).toString('latin1');
    const r = this.sys.dup((this.kept ??= {})[key] ??= $1);`,
    seenBy: STREAMS,
  },
  {
    name: 'copy: times beyond a second are taken',
    file: RECEIVER,
    from: /const timed = header\.atimeNsec[^;]*;/,
    to: 'const timed = true;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: set-id bits are kept',
    file: RECEIVER,
    from: /const bits = mode & this\.options\.modeMask;/,
    to: 'const bits = mode & 4095;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: what is there is replaced',
    file: RECEIVER,
    from: /if \(replace\) return this\.replace\(file, name\);/,
    to: 'return this.replace(file, name);',
    seenBy: STREAMS,
  },
  {
    name: 'copy: what comes after a greeting is taken for headers, whoever did not hear it',
    file: 'src/filecopy/receive.js',
    from: /if \(this\.awaited !== undefined\) \{/,
    to: 'if (this.awaited !== undefined && this.isAwaited(this.awaited)) continue;\n            if (false) {',
    seenBy: ['src/filecopy/negotiation'],
  },
  {
    name: 'copy: whatever has the name of a kept beginning is removed',
    file: RECEIVER,
    from: /if \(known\d*\.size === 0\) return;\s+if \(this\.nameOf\(leaf\)[^;]*;/,
    to: 'if (this.nameOf(leaf)) sys.unlinkat(parent, this.name, 0);',
    seenBy: ['filecopy/conflicts'],
  },
  {
    name: 'copy: a target that is restored may hide slashes and dots',
    file: 'bin/ninefold.cjs',
    from: /const usable = owns\.every\([^;]*;/,
    to: 'const usable = true;',
    seenBy: ['filecopy/restore-names'],
  },
  {
    name: 'copy: a file has its name before it is whole',
    file: RECEIVER,
    from: /nameless = true;/,
    to: 'nameless = false;',
    seenBy: STREAMS,
  },
  {
    name: 'copy: what came in part stays',
    file: 'src/filecopy/store.js',
    from: /if \(file\.named\)\s+this\.sys\.unlinkat\(file\.parent, this\.temporary, 0\);/,
    to: '',
    seenBy: ENGINE,
  },
  {
    name: 'copy: more than the limit of bytes is taken',
    file: RECEIVER,
    from: /\|\| filelen > options\.maxBytes \|\| this\.bytes \+ filelen > options\.maxBytes/,
    to: '',
    seenBy: STREAMS,
  },
  {
    name: 'copy: more than the limit of files is taken',
    file: RECEIVER,
    from: /if \(\+\+this\.items > options\.maxItems\) return EDQUOT;/,
    to: '',
    seenBy: STREAMS,
  },
  {
    name: 'copy: whoever waits for space waits for ever',
    file: 'src/filecopy/store.js',
    from: /if \(waited >= spacePatienceMs\)\s+return ENOSPC;/,
    to: 'if (waited > 1e9) return 0;',
    seenBy: ENGINE,
  },
  {
    name: 'copy: success is told before all is on the disk',
    file: 'src/filecopy/receive.js',
    from: /return 0 - this\.options\.sys\.syncfs\(this\.options\.rootFd\);/,
    to: 'return 0;',
    seenBy: ENGINE,
  },
  {
    name: 'copy: a wrong check sum is a success',
    file: 'bin/qfile-agent.cjs',
    from: /this\.ended && result\.crc === this\.out\.crc/,
    to: 'true',
    seenBy: ['filecopy/programs'],
  },
];
