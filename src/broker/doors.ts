// SPDX-License-Identifier: MIT

import { type ChildProcess, spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { POLLOUT } from '../base/sys.ts';
import { readLineOf, takeData } from './control.ts';
import { CALL_LINE_MAX, type DoorOrder, orderLine } from './door.ts';
import { pairOf } from './pair.ts';
import type { BrokerSys } from './sys.ts';

/** A door has as much time as a machine has for its parts of a call, one after the other, and some more; one that has still said nothing hangs. */
const TAKE_MS = 35_000;
const IO_MS = 12_000;
/** After so long without a call its process ends. */
const IDLE_MS = 30_000;
/** What is dropped is closed together. */
const DROP_MS = 200;
const DROP_MAX = 64;
const ANSWER_MAX = 16 * 1024;

/** What a call is made through. */
export interface Caller {
  /** The line of the call; undefined: none came. */
  readonly line: string | undefined;
  /** The service's standard input and output: to be handed on, and not to be read or written here. */
  readonly data: number;
  /** What the caller sends: one line, or all to the end. undefined: it did not come in time, or is too long. */
  read(what: 'line' | 'all'): Promise<Uint8Array | undefined>;
  /** To the caller, by the channel. */
  put(text: string): void;
  /** To the caller, a line of the call. */
  tell(line: object): void;
  /** Closes the channel here. Idempotent. */
  close(): void;
  /** Whether the caller has given it up. */
  gone(): boolean;
  /** The end, told in one line. */
  end(line: object): void;
}

interface Door {
  readonly child: ChildProcess;
  /** Where connections are handed over. */
  readonly fd: number;
  calls: number;
  idle?: NodeJS.Timeout;
}

/** The doors of all machines, each a process that is started when the machine calls (`door.ts`). */
export class Doors {
  readonly #sys: BrokerSys;
  readonly #argv: readonly string[];
  readonly #doors = new Map<string, Door>();
  /** Doors that were killed because they hang, and have not ended. */
  readonly #stuck = new Map<string, Door>();
  #dropped: number[] = [];

  /** `argv`: the command line of a door. */
  constructor(sys: BrokerSys, argv: readonly string[]) {
    this.#sys = sys;
    this.#argv = argv;
  }

  /** Lets a connection of `who` in, which is taken over; `done` is to be called when the call is over. undefined: it was no call. Rejects with NinefoldError NO_CHANNEL (exit 71). */
  async take(fd: number, who: string): Promise<{ readonly caller: Caller; done(): void } | undefined> {
    const sys = this.#sys;
    let door: Door | undefined;
    let both: readonly [number, number];
    try {
      door = this.#stuck.has(who) ? undefined : this.#doorOf(who);
      both = pairOf(sys);
    } catch (error) {
      this.drop(fd);
      throw error;
    }
    const [ours, theirs] = both;
    const handed = door !== undefined && this.#hand(door, fd) && this.#hand(door, theirs);
    sys.close(theirs);
    if (door === undefined || !handed) {
      this.drop(fd);
      sys.close(ours);
      return undefined;
    }
    // It has another owner now: what lies in it unread is that one's to throw away.
    sys.close(fd);
    door.calls++;
    clearTimeout(door.idle);
    const done = (): void => {
      if (--door.calls > 0) return;
      door.idle = setTimeout(() => this.#end(who, door), IDLE_MS);
      door.idle.unref();
    };
    const data = await takeData(sys, ours, TAKE_MS);
    if (data < 0) {
      sys.close(ours);
      if (data === -1) this.#kill(who, door);
      done();
      return undefined;
    }
    const socket = new Socket({ fd: ours });
    socket.on('error', () => {});
    const line = await readLineOf(socket, CALL_LINE_MAX, IO_MS);
    const close = (): void => {
      // As long as the door has it, this is not the last one.
      if (door.child.exitCode === null && door.child.signalCode === null) sys.close(data);
      else this.drop(data);
    };
    return { caller: callerOf(socket, data, line, close), done };
  }

  /**
   * Closes a machine's descriptor that no door has. Descriptors may lie in it unread, and to close the last of those can wait as long as the machine likes (SO_LINGER): so a process that is
   * about to end gets it, for which the kernel does not wait.
   */
  drop(fd: number): void {
    // A vsock carries none.
    if (this.#sys.peerCid(fd) >= 0) return void this.#sys.close(fd);
    this.#dropped.push(fd);
    if (this.#dropped.length === 1) setTimeout(() => this.#empty(), DROP_MS);
    else if (this.#dropped.length >= DROP_MAX) this.#empty();
  }

  #empty(): void {
    const fds = this.#dropped;
    this.#dropped = [];
    if (fds.length > 0)
      spawn('/bin/sh', ['-c', 'sleep 1'], {
        stdio: ['ignore', 'ignore', 'ignore', ...fds],
        detached: true,
        cwd: '/',
      }).on('error', () => {});
    for (const fd of fds) this.#sys.close(fd);
  }

  /** Ends all doors; resolves when what was told by them has gone out. */
  async end(): Promise<void> {
    this.#empty();
    const left = [...this.#doors];
    await Promise.all(left.map(([who, door]) => this.#end(who, door)));
  }

  #doorOf(who: string): Door {
    const found = this.#doors.get(who);
    if (found !== undefined) return found;
    const [ours, theirs] = pairOf(this.#sys);
    const [program = '', ...args] = this.#argv;
    // A session of its own: what a terminal sends to the broker's group is the broker's to act on. It ends with its standard input.
    const child = spawn(program, args, { stdio: [theirs, 'ignore', 'ignore'], detached: true, cwd: '/' });
    this.#sys.close(theirs);
    const door: Door = { child, fd: ours, calls: 0 };
    const over = (): void => {
      if (this.#stuck.get(who) === door) this.#stuck.delete(who);
      this.#forget(who, door);
    };
    child.once('exit', over).once('error', over);
    this.#doors.set(who, door);
    return door;
  }

  /** Never waits: a door that takes nothing any more has room for nothing. */
  #hand(door: Door, fd: number): boolean {
    const pollfd = this.#sys.alloc(8);
    pollfd.dv.setInt32(0, door.fd, true);
    pollfd.dv.setUint32(4, POLLOUT, true);
    return (
      this.#sys.poll(pollfd, 1, 0) === 1 &&
      pollfd.dv.getUint16(6, true) === POLLOUT &&
      this.#sys.sendFd(door.fd, fd) === 0
    );
  }

  /** The machine has no door until the process has ended: what it waits for is that machine's doing. */
  #kill(who: string, door: Door): void {
    if (this.#doors.get(who) !== door) return;
    this.#stuck.set(who, door);
    this.#forget(who, door);
    door.child.kill('SIGKILL');
  }

  #forget(who: string, door: Door): void {
    if (this.#doors.get(who) !== door) return;
    this.#doors.delete(who);
    clearTimeout(door.idle);
    this.#sys.close(door.fd);
  }

  async #end(who: string, door: Door): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      door.child.once('exit', () => resolve());
      setTimeout(resolve, 1000).unref();
    });
    this.#forget(who, door);
    await ended;
    door.child.kill('SIGKILL');
  }
}

function callerOf(socket: Socket, data: number, line: string | undefined, closeData: () => void): Caller {
  let open = true;
  const order = (one: DoorOrder): void => void socket.write(orderLine(one));
  const close = (): void => {
    if (!open) return;
    open = false;
    closeData();
    order({ door: 'close' });
  };
  return {
    line,
    data,
    async read(what) {
      const answer = readLineOf(socket, ANSWER_MAX, IO_MS);
      order({ door: what });
      const text = await answer;
      return text === undefined || text === '-' ? undefined : Buffer.from(text, 'base64');
    },
    put: (text) => order({ door: 'put', bytes: Buffer.from(text).toString('base64') }),
    tell: (told) => void socket.write(`${JSON.stringify(told)}\n`),
    close,
    gone: () => socket.destroyed || socket.readableEnded,
    end(told) {
      close();
      socket.end(`${JSON.stringify(told)}\n`);
    },
  };
}
