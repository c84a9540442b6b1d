// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { S_IFCHR, S_IFIFO, S_IFSOCK } from '../../src/base/stat.ts';
import { openSys } from '../../src/linux/index.ts';
import { NOFID, VERSION } from '../../src/p9/constants.ts';
import { T } from '../../src/p9/messages.ts';
import { Kernel } from '../conformance/kernel.ts';
import type { Fields, Raw9p, Reply } from '../helpers/raw9p.ts';
import { type Served, type ServeHow, startQfsd } from '../helpers/server.ts';

/** In every file outside of the share, and in nothing else: it must never come back over the wire. */
export const CANARY = 'canary-7f3a91-must-never-be-seen';

/** Each row of the attacks runs without a sandbox, where only the code stands in the way, and again with each kind. */
export const SANDBOXES: readonly string[] = (
  process.env.NINEFOLD_ATTACK_SANDBOXES ?? 'none,bwrap,landlock'
).split(',');

export const isRoot = process.geteuid?.() === 0;
const kernel = new Kernel(openSys());

/**
 * A share with all that an attacker could use, and beside it what they want: a canary folder, a sibling whose name begins like the
 * share's, a file. `check` fails when anything there changed or was told.
 */
export class Arena {
  readonly base: string;
  readonly share: string;
  readonly served: Served;
  readonly sandbox: string;
  private before: string;

  constructor(t: TestContext, how: ServeHow) {
    this.sandbox = how.sandbox;
    this.base = fs.mkdtempSync(join(tmpdir(), 'ninefold-arena-'));
    fs.chmodSync(this.base, 0o755);
    this.share = join(this.base, 'share');
    fs.mkdirSync(this.share);
    this.outside();
    this.fill();
    this.before = hashTree(this.base, this.share);
    this.served = startQfsd(t, this.share, { ...how, watch: [CANARY] });
  }

  get client(): Raw9p {
    return this.served.client;
  }

  private outside(): void {
    for (const dir of ['canary', 'canary/dir', 'share-not', 'empty']) fs.mkdirSync(join(this.base, dir));
    for (const file of ['canary/secret', 'canary/dir/inner', 'share-not/secret', 'secret'])
      fs.writeFileSync(join(this.base, file), CANARY);
    kernel.setxattr(join(this.base, 'secret'), 'user.secret', CANARY);
    fs.symlinkSync(`/${CANARY}`, join(this.base, 'canary/link'));
  }

  /** What the share holds; called again, it is as new. */
  fill(): void {
    for (const name of fs.readdirSync(this.share))
      fs.rmSync(join(this.share, name), { recursive: true, force: true });
    const at = (name: string): string => join(this.share, name);
    fs.writeFileSync(at('file'), 'in the share');
    fs.mkdirSync(at('dir'));
    fs.writeFileSync(at('dir/inner'), 'inner');
    fs.mkdirSync(at('empty'));
    const links: Record<string, string> = {
      'to-file': '../secret',
      'to-dir': '../canary',
      'to-abs': join(this.base, 'canary'),
      'to-abs-file': join(this.base, 'secret'),
      'to-root': '/',
      'to-up': '..',
      'to-new': '../planted',
      'to-here': '.',
      'to-proc': '/proc/self/root',
      loop: 'loop',
    };
    for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, at(name));
    kernel.mknod(at('fifo'), S_IFIFO | 0o666);
    kernel.mknod(at('socket'), S_IFSOCK | 0o666);
    if (isRoot) kernel.mknod(at('device'), S_IFCHR | 0o666, 1, 5);
  }

  /** A new session on the connection: fid 0 is the root. */
  async begin(version: string = VERSION): Promise<Raw9p> {
    const agreed = await this.client.version(1 << 20, version);
    assert.equal(agreed.msg.name.text(), version);
    const nuname = process.getuid?.() ?? 0;
    await allowed(this.client, T.attach, { fid: 0, afid: NOFID, name: '', name2: '', nuname });
    return this.client;
  }

  /** For a test that itself changed what is outside. */
  rebase(): void {
    this.before = hashTree(this.base, this.share);
  }

  /** Nothing outside changed, nothing of it was told, and the server still answers. */
  async check(): Promise<void> {
    assert.equal(hashTree(this.base, this.share), this.before, 'something outside of the share changed');
    assert.ok(!this.served.sawText(CANARY), 'something outside of the share was told');
    const r = await this.client.version();
    assert.equal(r?.errno, 0, 'the server does not answer any more');
  }

  async end(): Promise<void> {
    const ended = await this.served.close();
    fs.rmSync(this.base, { recursive: true, force: true });
    assert.equal(ended, 0, `the server ended with ${ended}: ${this.served.stderr()}`);
  }
}

/** Runs `work` for every kind of sandbox, each with an arena of its own. */
export async function inArenas(
  t: TestContext,
  args: readonly string[],
  work: (t: TestContext, arena: Arena) => Promise<void>,
): Promise<void> {
  for (const sandbox of SANDBOXES)
    await t.test(`--sandbox ${sandbox}`, async (t) => {
      const arena = new Arena(t, { sandbox, args });
      try {
        await work(t, arena);
        await arena.check();
      } finally {
        await arena.end();
      }
    });
}

export async function refused(
  client: Raw9p,
  type: number,
  fields: Fields,
  ...errnos: number[]
): Promise<void> {
  const r: Reply = await client.call(type, fields);
  assert.notEqual(r.errno, 0, 'was not refused');
  if (errnos.length > 0)
    assert.ok(errnos.includes(r.errno), `errno ${r.errno} instead of ${errnos.join(' or ')}`);
}

export async function allowed(client: Raw9p, type: number, fields: Fields): Promise<Reply> {
  const r = await client.call(type, fields);
  assert.equal(r.errno, 0, `was refused with ${r.errno}`);
  return r;
}

/** Names, kinds, modes, owners, link counts, times and contents of everything below `dir` but `except`. */
export function hashTree(dir: string, except?: string): string {
  const hash = createHash('sha256');
  const visit = (path: string): void => {
    if (path === except) return;
    const s = fs.lstatSync(path, { bigint: true });
    const times = path === dir ? '' : `${s.mtimeNs} ${s.ctimeNs}`;
    hash.update(
      `${path}\0${s.mode} ${s.uid} ${s.gid} ${s.ino} ${s.isDirectory() ? '' : s.nlink} ${s.size} ${times}\0`,
    );
    if (s.isDirectory()) for (const name of fs.readdirSync(path).sort()) visit(join(path, name));
    else if (s.isSymbolicLink()) hash.update(fs.readlinkSync(path));
    else if (s.isFile()) hash.update(fs.readFileSync(path));
  };
  visit(dir);
  return hash.digest('hex');
}
