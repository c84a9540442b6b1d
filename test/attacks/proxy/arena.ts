// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { S_IFCHR, S_IFIFO, S_IFSOCK } from '../../../src/base/stat.ts';
import { openSys } from '../../../src/linux/index.ts';
import { socketpair } from '../../../src/linux/net.ts';
import { sealTree } from '../../../src/linux/sealed-tree.ts';
import type { ProxyName } from '../../../src/proxyfs/messages.ts';
import { Kernel } from '../../conformance/kernel.ts';
import { program } from '../../helpers/places.ts';
import { Closed, type ProxyFields, type ProxyReply, RawProxy } from '../../helpers/raw-proxy.ts';
import { CANARY, hashTree } from '../arena.ts';

export const kernel = new Kernel(openSys());
const ORIGINAL = '/usr/lib/qemu/virtfs-proxy-helper';

/**
 * What the attack runs against. `code`: our helper's code alone, walking by openat2, without chroot, sandbox or seccomp; `sealed`: the same on a sealed
 * tree; `bwrap` and `chroot`: as a person starts it; `unsealed`: started without CAP_SYS_ADMIN, so that there is neither bubblewrap nor a sealed tree;
 * `original`: Debian's, for docs/PROXY.md only.
 */
export type Way = 'code' | 'sealed' | 'bwrap' | 'chroot' | 'unsealed' | 'original';
export const WAYS: readonly Way[] = (
  process.env.NINEFOLD_PROXY_WAYS ?? 'code,sealed,bwrap,chroot,unsealed'
).split(',') as Way[];

/** Why the attacks cannot run here. */
export function cannotAttack(): string | false {
  return process.geteuid?.() === 0 ? false : 'needs root';
}

/** An export with all that an attacker could use, and beside it what they want. `check` fails when anything there changed or was told. */
export class ProxyArena {
  readonly way: Way;
  readonly base: string;
  readonly share: string;
  readonly client: RawProxy;
  readonly child: ChildProcess;
  readonly ended: Promise<number | string>;
  private words = '';
  private readonly before: string;
  private told = false;

  constructor(t: TestContext, way: Way, args: readonly string[] = []) {
    this.way = way;
    this.base = fs.mkdtempSync(join(tmpdir(), 'ninefold-proxy-arena-'));
    fs.chmodSync(this.base, 0o755);
    this.share = join(this.base, 'share');
    fs.mkdirSync(this.share);
    for (const dir of ['canary', 'empty']) fs.mkdirSync(join(this.base, dir));
    for (const file of ['canary/secret', 'secret']) fs.writeFileSync(join(this.base, file), CANARY);
    kernel.setxattr(join(this.base, 'secret'), 'user.secret', CANARY);
    this.fill();
    this.before = hashTree(this.base, this.share);
    const pair: [number, number] = [-1, -1];
    assert.equal(socketpair(pair), 0);
    this.child = this.start(pair[1], args);
    fs.closeSync(pair[1]);
    this.child.stderr?.setEncoding('utf8').on('data', (d: string) => (this.words += d));
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve(signal ?? code ?? -1)),
    );
    this.client = new RawProxy(pair[0]);
    t.after(() => {
      this.child.kill('SIGKILL');
      fs.rmSync(this.base, { recursive: true, force: true });
    });
  }

  private fill(): void {
    const at = (name: string): string => join(this.share, name);
    for (const dir of ['dir', 'dir/sub', 'empty', 'canary']) fs.mkdirSync(at(dir));
    fs.writeFileSync(at('file'), 'in the share');
    fs.writeFileSync(at('dir/inner'), 'inner');
    // What the canary's path leads to when `..` stops at the root, as it should.
    fs.writeFileSync(at('canary/secret'), 'harmless');
    for (const [name, target] of Object.entries({
      'to-file': 'file',
      'to-dir': 'dir',
      'to-secret': '../secret',
      'to-canary': '../canary',
      'to-abs': join(this.base, 'canary'),
      'to-abs-file': join(this.base, 'secret'),
      'to-root': '/',
      'to-proc': '/proc/self/root',
      loop: 'loop',
    }))
      fs.symlinkSync(target, at(name));
    kernel.mknod(at('fifo'), S_IFIFO | 0o666);
    kernel.mknod(at('socket'), S_IFSOCK | 0o666);
    // /dev/full
    kernel.mknod(at('device'), S_IFCHR | 0o666, 1, 7);
  }

  private start(socket: number, args: readonly string[]): ChildProcess {
    const stdio = ['ignore', 'ignore', 'pipe', socket] as ('ignore' | 'pipe' | number)[];
    const line = ['-p', this.share, '-f', '3', '-n', ...args];
    const ours = [program('virtfs-proxy-helper'), ...line];
    if (this.way === 'original') return spawn(ORIGINAL, line, { stdio });
    if (this.way === 'bwrap' || this.way === 'chroot')
      return spawn(process.execPath, [...ours, '--sandbox', this.way], { stdio });
    if (this.way === 'unsealed') {
      const less = ['--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin', '--'];
      return spawn('setpriv', [...less, process.execPath, ...ours], { stdio });
    }
    const root = fs.openSync(this.share, 0o10200000);
    const fd = this.way === 'sealed' ? sealTree(root, false) : root;
    assert.ok(fd >= 0, `no sealed tree: ${fd}`);
    const config = {
      socketFd: 3,
      root: { fd: 4 },
      sealed: this.way === 'sealed',
      chroot: false,
      readOnly: args.includes('--read-only'),
      devices: !args.includes('--no-devices'),
      pid: 1,
    };
    const child = spawn(process.execPath, [program('proxy-worker'), JSON.stringify(config)], {
      stdio: [...stdio, fd],
    });
    fs.closeSync(root);
    if (fd !== root) fs.closeSync(fd);
    return child;
  }

  /** One request; what comes back is searched for the canary, a descriptor is read and closed. */
  ask(type: ProxyName, fields: ProxyFields): number {
    const r = this.client.call(type, fields);
    this.look(r);
    if (r.fd >= 0) fs.closeSync(r.fd);
    return r.errno;
  }

  look(r: ProxyReply): void {
    if (r.payload.includes(CANARY)) this.told = true;
    if (r.fd < 0) return;
    try {
      if (fs.readFileSync(r.fd).includes(CANARY)) this.told = true;
    } catch {
      // A folder, or open for writing only.
    }
  }

  refused(type: ProxyName, fields: ProxyFields, ...errnos: number[]): void {
    const errno = this.ask(type, fields);
    assert.notEqual(errno, 0, `${type} ${JSON.stringify(fields)} was not refused`);
    if (errnos.length > 0)
      assert.ok(errnos.includes(errno), `${type}: errno ${errno} instead of ${errnos.join(' or ')}`);
  }

  allowed(type: ProxyName, fields: ProxyFields): ProxyReply {
    const r = this.client.call(type, fields);
    this.look(r);
    assert.equal(r.errno, 0, `${type} ${JSON.stringify(fields)} was refused with ${r.errno}`);
    return r;
  }

  /** Nothing outside changed, nothing of it was told, and the helper still answers. */
  check(): void {
    this.untouched();
    assert.equal(this.client.call('lstat', { path: '/' }).errno, 0, 'the helper does not answer any more');
  }

  untouched(): void {
    assert.equal(hashTree(this.base, this.share), this.before, 'something outside of the export changed');
    assert.ok(!this.told, 'something outside of the export was told');
  }

  /** The helper has closed the connection by itself, ended with 0 and said why in one line. */
  async closedCleanly(): Promise<void> {
    assert.ok(this.client.endsWithin(10_000), 'the helper did not close');
    assert.equal(await this.ended, 0, this.words);
    assert.match(this.words, /^(Started\n)?(confined by chroot.*\n)?\S.*\nDone\n$/, this.words);
  }

  async end(): Promise<void> {
    this.client.close();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    const how = await this.ended;
    clearTimeout(timer);
    assert.equal(how, 0, `the helper ended with ${how}: ${this.words}`);
  }

  /** Descriptors that the serving process has open: of the last process below the one that was started. */
  descriptors(): number {
    return fs.readdirSync(`/proc/${servingProcess(this.child.pid as number)}/fd`).length;
  }
}

/** bubblewrap has two processes above the helper. */
export function servingProcess(pid: number): number {
  for (;;) {
    const child = fs
      .readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .map(Number)
      .find((n) => n > 0);
    if (child === undefined) return pid;
    pid = child;
  }
}

/** Runs `work` in every way, each with an arena of its own. */
export async function inProxyArenas(
  t: TestContext,
  work: (a: ProxyArena, t: TestContext) => void | Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  for (const way of WAYS)
    await t.test(way, async (t) => {
      const a = new ProxyArena(t, way, args);
      await work(a, t);
      a.check();
      await a.end();
    });
}

/** As `inProxyArenas`, for an attack that ends the conversation. How the helper is confined makes no difference then: alone and as it is started. */
export async function inEndingArenas(t: TestContext, work: (a: ProxyArena) => void): Promise<void> {
  for (const way of WAYS.filter((w) => w === 'code' || w === 'bwrap' || w === 'original'))
    await t.test(way, async (t) => {
      const a = new ProxyArena(t, way);
      a.allowed('lstat', { path: '/' });
      try {
        work(a);
      } catch (error) {
        if (!(error instanceof Closed)) throw error;
      }
      await a.closedCleanly();
      a.untouched();
      a.client.close();
    });
}
