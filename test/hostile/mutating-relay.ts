// SPDX-License-Identifier: MIT

import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { socketpair } from '../../src/linux/net.ts';
import { program } from '../helpers/places.ts';
import type { Random } from '../helpers/random.ts';

const EDGES = [0, 1, 7, 255, 256, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** A real server, each of whose replies may be changed on its way. `fd` is the client's end, the caller's to close. */
export class MutatingRelay {
  readonly fd: number;
  /** One reply in so many is changed; 0: none. */
  oneIn = 0;
  changed = 0;
  private readonly random: Random;
  private readonly client: Socket;
  private readonly server: Socket;
  private readonly exit: Promise<unknown>;
  private input = Buffer.alloc(0);
  private answered: (() => void) | undefined;

  constructor(share: string, random: Random) {
    this.random = random;
    const [ours, theirs] = [pair(), pair()];
    this.fd = ours[0];
    const command = [program('qfsd'), '3', '3', share, '--sandbox', 'none', '--log-level', 'silent'];
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'inherit', theirs[1]] });
    closeSync(theirs[1]);
    this.exit = new Promise((resolve) => child.once('close', resolve));
    this.client = new Socket({ fd: ours[1] });
    this.server = new Socket({ fd: theirs[0] });
    for (const s of [this.client, this.server]) s.on('error', () => undefined);
    this.client.on('data', (d) => this.server.write(d));
    this.client.on('close', () => this.server.destroy());
    this.server.on('close', () => this.client.destroy());
    this.server.on('data', (d) => this.replies(d));
  }

  /** Resolves when the server answers: it may take its time to start on a busy machine. */
  ready(): Promise<void> {
    const version = Buffer.from('9P2000.L');
    const hello = Buffer.alloc(13);
    hello.writeUInt32LE(hello.length + version.length, 0);
    hello.writeUInt8(100, 4);
    hello.writeUInt16LE(0xffff, 5);
    hello.writeUInt32LE(8192, 7);
    hello.writeUInt16LE(version.length, 11);
    return new Promise((resolve) => {
      this.answered = resolve;
      this.server.write(Buffer.concat([hello, version]));
    });
  }

  private replies(d: Buffer): void {
    if (this.answered !== undefined) {
      // The one reply to the hello, which is ours alone.
      this.answered();
      this.answered = undefined;
      return;
    }
    this.input = Buffer.concat([this.input, d]);
    while (this.input.length >= 7) {
      const size = this.input.readUInt32LE(0);
      if (this.input.length < size) return;
      const frame = Buffer.from(this.input.subarray(0, size));
      this.input = this.input.subarray(size);
      const change = this.oneIn > 0 && this.random(this.oneIn) === 0;
      if (change) this.changed++;
      this.client.write(change ? this.mutate(frame) : frame);
    }
  }

  /** Mostly inside of the body, so that the reply still belongs to its request. */
  private mutate(frame: Buffer): Buffer {
    const { random } = this;
    const body = frame.length - 7;
    const kind = random(20);
    if (kind === 0) return Buffer.concat([frame, frame]);
    if (kind === 1) return Buffer.alloc(0);
    if (kind === 2) frame.writeUInt16LE(random(0x10000), 5);
    else if (kind === 3) frame.writeUInt8(random(256), 4);
    else if (kind === 4) frame.writeUInt32LE(EDGES[random(EDGES.length)] as number, 0);
    else if (body >= 4 && kind < 12)
      frame.writeUInt32LE(EDGES[random(EDGES.length)] as number, 7 + random(body - 3));
    else if (body > 0) for (let n = 1 + random(4); n > 0; n--) frame[7 + random(body)] = random(256);
    return frame;
  }

  async end(): Promise<void> {
    this.client.destroy();
    this.server.destroy();
    await this.exit;
    closeSync(this.fd);
  }
}

function pair(): [number, number] {
  const fds: [number, number] = [-1, -1];
  if (socketpair(fds) < 0) throw new Error('no socket pair');
  return fds;
}
