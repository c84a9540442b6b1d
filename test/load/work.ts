// SPDX-License-Identifier: MIT

import * as fs from 'node:fs';
import { join } from 'node:path';
import { TOP } from '../helpers/places.ts';
import { bytes, Rng } from '../random/rng.ts';
import type { Bench } from './run.ts';

const PYTHON = fs.existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const WRITERS = 3;
const ROWS = 150;

/** Several processes write to one database, in transactions, one of them killed in the middle; then every row that was committed is there. */
const SQLITE = `
import sqlite3, sys, os
path, mode, who, rows = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
db = sqlite3.connect(path, timeout=60, isolation_level=None)
if who < 0:
    got = db.execute('pragma journal_mode=' + mode).fetchone()[0]; assert got == mode, got
    db.execute('create table t(who int, n int, pad blob)')
else:
    for n in range(rows):
        db.execute('begin immediate'); db.execute('insert into t values(?,?,?)', (who, n, os.urandom(1000)))
        if n % 10 == 9: db.execute('update t set pad=zeroblob(500) where who=? and n<?', (who, n - 5))
        db.execute('rollback' if n % 7 == 6 else 'commit')
`;
const SQLITE_CHECK = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); print(db.execute('select count(*) from t').fetchone()[0], db.execute('pragma integrity_check').fetchone()[0])
`;

export async function sqlite(b: Bench): Promise<string> {
  for (const mode of ['delete', 'wal']) {
    const path = join(b.dir, `${mode}.db`);
    const python = (code: string, ...args: string[]) => b.must([PYTHON, '-c', code, path, ...args]);
    await python(SQLITE, mode, '-1', '0');
    await Promise.all(
      Array.from({ length: WRITERS }, (_, i) => python(SQLITE, mode, String(i), String(ROWS))),
    );
    const want = WRITERS * Array.from({ length: ROWS }, (_, n) => n).filter((n) => n % 7 !== 6).length;
    const got = (await python(SQLITE_CHECK)).out.trim();
    if (got !== `${want} ok`) throw new Error(`journal_mode=${mode}: ${got} instead of ${want} ok`);
  }
  return `${WRITERS} writers, ${ROWS} transactions each, integrity_check ok`;
}

/** A tree with names, links, modes and times that programs trip over. */
function oddTree(dir: string): number {
  const rng = new Rng(3);
  const names = [
    'plain',
    ' ',
    ' lead',
    'trail ',
    'new\nline',
    'tab\tx',
    '-rf',
    '--delete',
    '*',
    '?',
    '[a]',
    '$HOME',
    '`x`',
    '"',
    "'",
    '\\',
    '%s',
    ';',
    '&',
    '...',
    '..a',
    'é',
    'e\u0301',
    '日本',
    '🗂',
    '\u202eevil',
    '\u200b',
    'x'.repeat(255),
    '日'.repeat(85),
  ].map((n) => Buffer.from(n));
  for (const hex of ['ff', 'fffe', 'c0af', '80', '01', '7f', '1b5b33316d'])
    names.push(Buffer.from(hex, 'hex'));
  let count = 0;
  const fill = (at: Buffer, depth: number): void => {
    for (const [i, name] of names.entries()) {
      const path = Buffer.concat([at, Buffer.from('/'), name]);
      if (depth > 0 && i % 6 === 0) {
        fs.mkdirSync(path);
        fill(path, depth - 1);
      } else if (i % 9 === 1)
        fs.symlinkSync(rng.once(2) ? 'nowhere' : Buffer.concat([Buffer.from('./'), name]), path);
      else {
        fs.writeFileSync(path, bytes(rng.next(), rng.below(20_000)));
        fs.chmodSync(path, rng.pick([0o644, 0o600, 0o755, 0o444]));
        fs.utimesSync(path, 1_000_000 + rng.below(1e9), 1_000_000 + rng.below(1e9));
        if (i % 11 === 3)
          fs.linkSync(
            path,
            Buffer.concat([path.subarray(0, path.length - name.length), Buffer.from(`hard${i}`)]),
          );
      }
      count++;
    }
  };
  fs.mkdirSync(dir);
  fill(Buffer.from(dir), 2);
  fs.writeFileSync(join(dir, 'sparse'), '');
  fs.truncateSync(join(dir, 'sparse'), 50 << 20);
  return count;
}

export async function rsync(b: Bench): Promise<string> {
  const [from, there, back] = [join(b.local, 'from'), join(b.dir, 'there'), join(b.local, 'back')];
  const count = oddTree(from);
  const copy = (a: string, z: string, ...more: string[]) =>
    b.must(['rsync', '-aHS', '--checksum', '--delete', ...more, `${a}/`, `${z}/`]);
  await copy(from, there);
  await copy(there, back);
  for (const [a, z] of [
    [from, there],
    [there, from],
    [from, back],
  ] as const) {
    const differs = (await copy(a, z, '--dry-run', '--itemize-changes')).out;
    if (differs !== '') throw new Error(`rsync would change: ${JSON.stringify(differs.slice(0, 300))}`);
  }
  // And on top of what is there, with changes on both sides.
  fs.writeFileSync(join(there, 'plain-new'), 'x');
  fs.rmSync(join(from, 'plain'), { recursive: true });
  await copy(from, there);
  const differs = (await copy(from, there, '--dry-run', '--itemize-changes')).out;
  if (differs !== '')
    throw new Error(`after changes rsync would change: ${JSON.stringify(differs.slice(0, 300))}`);
  return `${count} objects, -aHS --checksum, no difference`;
}

/** From npm's cache, or the registry for what is not in it; compared with the same in a local folder. */
export async function npm(b: Bench): Promise<string> {
  for (const dir of [b.dir, b.local]) {
    for (const name of ['package.json', 'package-lock.json'])
      fs.copyFileSync(join(TOP, name), join(dir, name));
    await b.must(
      ['npm', 'ci', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
      { cwd: dir },
    );
  }
  await b.must(['npm', 'ls', '--all'], { cwd: b.dir });
  await b.must([
    'diff',
    '-r',
    '--no-dereference',
    join(b.local, 'node_modules'),
    join(b.dir, 'node_modules'),
  ]);
  // A program of what was installed, run from the mount.
  await b.must([join(b.dir, 'node_modules/.bin/tsc'), '--version']);
  const files = (await b.must(['find', 'node_modules', '-type', 'f'], { cwd: b.dir })).out
    .trim()
    .split('\n').length;
  return `${files} files, the same as in a local folder`;
}
