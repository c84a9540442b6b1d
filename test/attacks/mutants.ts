// SPDX-License-Identifier: MIT
// Takes one defence after the other out of the server and sees the attacks notice: a test that passes without the defence proves nothing.
//
//   node dist/test/attacks/mutants.js [WORD…]     only mutants whose name contains one of the words
//
// Exits 1 when a mutant survives, or when its pattern is not found any more (the server was rewritten: adapt the table).

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUT } from '../helpers/places.ts';

interface Mutant {
  readonly name: string;
  /** In the bundled server. */
  readonly from: RegExp;
  readonly to: string;
  /** The test files of which one must fail. */
  readonly seenBy: readonly string[];
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'a name may hold a slash',
    from: /if \((\w+) === SLASH \|\| \1 === 0\) return -EINVAL;/,
    to: 'if ($1 === 0) return -EINVAL;',
    seenBy: ['attacks/names'],
  },
  {
    name: 'a name may hold NUL',
    from: /if \((\w+) === SLASH \|\| \1 === 0\) return -EINVAL;/,
    to: 'if ($1 === SLASH) return -EINVAL;',
    seenBy: ['attacks/names'],
  },
  {
    name: '. is a name',
    from: /if \(len === 1\) return -EINVAL;/,
    to: '',
    seenBy: ['attacks/names'],
  },
  {
    name: '.. may be made, removed and renamed',
    from: /return r === NAME_DOTDOT \? -EINVAL : r;/,
    to: 'return r === NAME_DOTDOT ? 0 : r;',
    seenBy: ['attacks/names'],
  },
  {
    name: '.. is the folder above, wherever that is',
    from: /kind === NAME_DOTDOT \? \w+\.pool\.openParent\(dir\) : /,
    to: '',
    seenBy: ['attacks/names'],
  },
  {
    name: 'walks follow symlinks',
    from: /(openParent\(dir\) : \w+\.sys\.openat\(dir, \w+\.nameA, O_PATH \|) O_NOFOLLOW \|/,
    to: '$1',
    seenBy: ['attacks/objects', 'attacks/races'],
  },
  {
    name: 'what is below a symlink may be walked to',
    from: /isDir \? step\(/,
    to: 'true ? step(',
    // The kernel refuses it too (ENOTDIR): taking this one out must show nothing.
    seenBy: [],
  },
  {
    name: 'an existing object that Tlcreate meets is opened through symlinks',
    from: /(const path = \w+\.sys\.openat\(dir, \w+\.nameA, O_PATH \|) O_NOFOLLOW \|/,
    to: '$1',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'fifos, sockets and devices may be opened',
    from: /if \(kind !== S_IFREG\) return -ENXIO;/,
    to: '',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'device nodes may be made',
    from: /if \(!\w+\.options\.devices\) return -EPERM;/,
    to: '',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'links across attaches',
    from: /if \(target\.attach !== dir\.attach\) return -EXDEV;/,
    to: '',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'every attribute is served',
    from: /(function carried\(\w+, name\) \{)/,
    to: '$1 return true;',
    seenBy: ['attacks/objects'],
  },
  {
    name: 'a read-only share may be changed',
    from: /return this\.options\.readOnly \? -EROFS : 0;/,
    to: 'return 0;',
    seenBy: ['attacks/readonly'],
  },
  {
    name: 'a read-only share may be truncated while opening',
    from: /\|\| \(flags & O_TRUNC\) !== 0/,
    to: '',
    seenBy: ['attacks/readonly'],
  },
  {
    name: 'fids without end',
    from: /return this\.fids\.size >= this\.options\.limits\.fids \? -EMFILE : 0;/,
    to: 'return 0;',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a fid in use may be taken again',
    from: /if \(this\.fids\.has\(number\)\) return -EBADF;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'attribute fids without end',
    from: /if \(\w+\.xattrFids >= \w+\.options\.limits\.xattrFids\) return -ENOSPC;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'attributes of any announced size',
    from: /if \(m\.size > XATTR_SIZE_MAX\) return -E2BIG;/,
    to: '',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a live tag may be used again',
    from: /if \(this\.live\.size > 0 && \(this\.live\.has\(tag\)/,
    to: 'if (false && (this.live.has(tag)',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'Rflush does not wait for the reply that it overtakes',
    from: /live\.flushers\.push\(tag\);/,
    to: 'this.flushed(tag);',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'Tversion leaves the fids',
    from: /(const asked = msg\.name\.text\(\);\s+this\.cancelAll\(\);\s+)this\.backend\.reset\(\);/,
    to: '$1',
    seenBy: ['attacks/tags'],
  },
  {
    name: 'left-over bytes in a message do not matter',
    from: /return r\.over \|\| r\.pos !== r\.end \? MALFORMED/,
    to: 'return r.over ? MALFORMED',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'a reclaimed object is found again by its name alone',
    from: /if \(this\.identityOf\(fd\) !== saved\.identity\)/,
    to: 'if (false)',
    seenBy: ['attacks/exhaustion'],
  },
  {
    name: 'qid.path is the inode number alone',
    from: /set\(dev, inoLo, inoHi\) \{/,
    to: 'set(dev, inoLo, inoHi) { this.lo = inoLo; this.hi = inoHi; return;',
    seenBy: ['attacks/mounts'],
  },
];

const words = process.argv.slice(2);
const place = join(OUT, 'mutants');
let bad = 0;
let killed = 0;
for (const mutant of MUTANTS) {
  if (words.length > 0 && !words.some((w) => mutant.name.includes(w))) continue;
  const verdict = tryOne(mutant);
  if (verdict === 'noticed') killed++;
  else if (verdict !== 'refused by the kernel too') bad++;
  process.stdout.write(`${verdict.padEnd(26)} ${mutant.name}\n`);
}
rmSync(place, { recursive: true, force: true });
process.stdout.write(`${killed} mutants noticed, ${bad} not\n`);
process.exitCode = bad > 0 ? 1 : 0;

function tryOne(mutant: Mutant): string {
  const bin = join(place, 'bin');
  mkdirSync(place, { recursive: true });
  cpSync(join(OUT, 'bin'), bin, { recursive: true });
  const server = join(bin, 'serve-worker.cjs');
  const code = readFileSync(server, 'utf8');
  const changed = code.replace(new RegExp(mutant.from, 'g'), mutant.to);
  if (changed === code) return 'PATTERN NOT FOUND';
  writeFileSync(server, changed);
  if (mutant.seenBy.length === 0) return 'refused by the kernel too';
  for (const test of mutant.seenBy) {
    // timeout(1) ends the whole group: a mutant may hang where it does not see that its client is gone.
    const file = join(OUT, 'test', `${test}.test.js`);
    const run = spawnSync('timeout', ['--signal=KILL', '120', process.execPath, '--test', file], {
      stdio: 'ignore',
      env: {
        ...process.env,
        NINEFOLD_PROGRAMS: bin,
        NINEFOLD_ATTACK_SANDBOXES: 'none',
        NINEFOLD_WALKS: '20000',
        NINEFOLD_SILENCE_MS: '2000',
      },
    });
    if (run.signal === 'SIGKILL' || run.status === 137) return 'HUNG';
    if (run.status !== 0) return 'noticed';
  }
  return 'NOT NOTICED';
}
