// SPDX-License-Identifier: MIT
// Takes one defence after the other out of the proxy helper and sees the attacks notice, as ../mutants.ts does with the 9P server.
//
//   node dist/test/attacks/proxy/mutants.js [WORD…]     only mutants whose name contains one of the words
//
// Exits 1 when a mutant survives, or when its pattern is not found any more (the helper was rewritten: adapt the table).

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUT } from '../../helpers/places.ts';

interface Mutant {
  readonly name: string;
  readonly from: RegExp;
  readonly to: string;
  /** A second wall that has to go with it. */
  readonly also?: readonly [RegExp, string];
  /** The test file that must fail. */
  readonly seenBy: 'paths' | 'objects' | 'frames' | 'races';
  /** Where the tests run: `code` has one wall only. */
  readonly way?: 'sealed' | 'bwrap';
  /** The bundle. */
  readonly program?: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    name: '.. leads above the root',
    from: /if \(at2? - start2? === 2 && out\[start2? \+ 1\] === DOT\)/,
    to: 'if (false)',
    seenBy: 'paths',
  },
  {
    name: 'a path may hold NUL',
    from: /if \(c2? === 0\)\s+return -EINVAL;/,
    to: '',
    seenBy: 'paths',
  },
  {
    name: 'symlinks on the way are followed',
    from: /RESOLVE_IN_ROOT \| RESOLVE_NO_SYMLINKS \| RESOLVE_NO_MAGICLINKS/,
    to: 'RESOLVE_IN_ROOT',
    seenBy: 'paths',
  },
  {
    name: 'symlinks on the way are followed, during a race',
    from: /RESOLVE_IN_ROOT \| RESOLVE_NO_SYMLINKS \| RESOLVE_NO_MAGICLINKS/,
    to: 'RESOLVE_IN_ROOT',
    seenBy: 'races',
  },
  {
    name: 'the sealed tree follows symlinks',
    from: /ATTR_NOSUID \| ATTR_NODEV \| ATTR_NOSYMFOLLOW/,
    to: 'ATTR_NOSUID | ATTR_NODEV',
    seenBy: 'paths',
    way: 'bwrap',
    program: 'virtfs-proxy-helper',
  },
  {
    name: 'anything may be opened',
    from: /if \(kind === S_IFREG \|\| kind === S_IFDIR\)/,
    to: 'if (true)',
    seenBy: 'objects',
  },
  {
    name: 'what it is is looked at after it was opened',
    from: /const object = sys2?\.openat2\(at2?\.dir, at2?\.name, O_PATH \| O_NOFOLLOW, 0, RESOLVE\);(?=\s+if \(object < 0\)\s+return object;\s+let fd)/,
    to: 'const object = sys2.openat2(at2.dir, at2.name, flags | 0o4000 | O_NOFOLLOW, 0, RESOLVE);',
    seenBy: 'objects',
  },
  {
    name: 'O_PATH and O_TMPFILE pass',
    from: /\(m\.flags & REFUSED2?\) !== 0 \|\|/,
    to: '',
    seenBy: 'objects',
  },
  {
    name: 'device nodes are made in spite of --no-devices',
    from: /&& !h\.options\.devices/,
    to: '&& false',
    also: [/return devices \? \[\.\.\.all, "MKNOD"\] : all;/, 'return [...all, "MKNOD"];'],
    seenBy: 'objects',
  },
  {
    name: '--read-only changes things',
    from: /row2?\.changes && helper\.options\.readOnly \? -EROFS : /,
    to: '',
    seenBy: 'objects',
  },
  {
    name: '--read-only opens for writing',
    from: /if \(h\.options\.readOnly && wantsWrite\w*\(m\.flags\)\)\s+return -EROFS;/,
    to: '',
    seenBy: 'objects',
  },
  {
    name: 'what is made belongs to root',
    from: /sys2?\.setFsUid\(this\.uid\);/,
    to: '',
    seenBy: 'objects',
  },
  {
    name: 'a user keeps the capabilities of root',
    from: /sys2?\.setEffective\(AS_USER\)/,
    to: 'sys2.setEffective(~0)',
    seenBy: 'objects',
  },
  {
    name: 'a user is judged by permissions that the guest has judged',
    from: /sys2?\.setEffective\(AS_USER\)/,
    to: '0',
    seenBy: 'objects',
  },
  {
    name: 'all capabilities work all the time',
    from: /helper\.identity\.allow\(LOOK2?\);/,
    to: '',
    seenBy: 'objects',
  },
  {
    name: 'the mode of what a symlink names is changed',
    from: /h\.stat\.isSymlink \? -ELOOP : /,
    to: '',
    seenBy: 'paths',
  },
  {
    name: 'a value may be shorter than it says',
    from: /if \(m\.size !== m\.value\.len\)\s+return [^;]*;/,
    to: '',
    seenBy: 'frames',
  },
  {
    name: 'any size to read',
    from: /if \(m\.size < [01] \|\| m\.size > PROXY_MAX\)\s+return -EINVAL;/,
    to: '',
    seenBy: 'frames',
  },
  {
    name: 'left-over bytes do not matter',
    from: /return !r\.over && r\.pos === r\.end;/,
    to: 'return !r.over;',
    seenBy: 'frames',
  },
  {
    name: 'strings may end outside their payload',
    from: /return !r\.over && r\.pos === r\.end;/,
    to: 'return true;',
    seenBy: 'frames',
  },
  {
    name: 'payloads of any size',
    from: /if \(size2? > PROXY_MAX\)\s+return BAD_SIZE;/,
    to: '',
    seenBy: 'frames',
  },
  {
    name: 'a descriptor that was sent stays open',
    from: /(const n = this\.sys\.sendWithFd\([^;]*;)\s+this\.sys\.close\(r\);/,
    to: '$1',
    seenBy: 'frames',
  },
  {
    name: 'a folder that was walked to stays open',
    from: /if \(this\.dir !== this\.root\.fd\)\s+this\.sys\.close\(this\.dir\);/,
    to: '',
    seenBy: 'frames',
  },
];

const words = process.argv.slice(2);
const place = join(OUT, 'proxy-mutants');
let bad = 0;
let killed = 0;
for (const mutant of MUTANTS) {
  if (words.length > 0 && !words.some((w) => mutant.name.includes(w))) continue;
  const verdict = tryOne(mutant);
  if (verdict === 'noticed') killed++;
  else bad++;
  process.stdout.write(`${verdict.padEnd(18)} ${mutant.name}\n`);
}
rmSync(place, { recursive: true, force: true });
process.stdout.write(`${killed} mutants noticed, ${bad} not\n`);
process.exitCode = bad > 0 ? 1 : 0;

function tryOne(mutant: Mutant): string {
  const bin = join(place, 'bin');
  mkdirSync(place, { recursive: true });
  cpSync(join(OUT, 'bin'), bin, { recursive: true });
  const file = join(bin, `${mutant.program ?? 'proxy-worker'}.cjs`);
  const code = readFileSync(file, 'utf8');
  const changed = code.replace(new RegExp(mutant.from, 'g'), mutant.to);
  const [second, instead] = mutant.also ?? [/$/, ''];
  if (changed === code || !second.test(changed)) return 'PATTERN NOT FOUND';
  writeFileSync(file, changed.replace(second, instead));
  const test = join(OUT, 'test/attacks/proxy', `${mutant.seenBy}.test.js`);
  // timeout(1) ends the whole group.
  const run = spawnSync('timeout', ['--signal=KILL', '180', process.execPath, '--test', test], {
    stdio: 'ignore',
    env: {
      ...process.env,
      NINEFOLD_PROGRAMS: bin,
      NINEFOLD_PROXY_WAYS: mutant.way ?? 'code',
      NINEFOLD_PROXY_TRIES: '2000',
      NINEFOLD_SILENCE_MS: '5000',
    },
  });
  if (run.signal === 'SIGKILL' || run.status === 137) return 'HUNG';
  return run.status === 0 ? 'NOT NOTICED' : 'noticed';
}
