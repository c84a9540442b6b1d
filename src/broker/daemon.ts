// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import * as v from 'valibot';
import { NinefoldError, printable } from '../base/error.ts';
import type { Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { isFingerprint } from '../policy/fingerprint.ts';
import { AUTHORIZE_MAX, FOLDER_LINE_MAX, parseFolderLine } from '../policy/wire.ts';
import { acceptor } from '../transport/accepting.ts';
import type { Listener } from '../transport/listener.ts';
import { type AgentRun, startAgent } from './agents.ts';
import { authorize } from './authorize.ts';
import type { Ended } from './call.ts';
import type { BrokerConfig, MachineConfig } from './config.ts';
import { readLineOf, takeData } from './control.ts';
import type { Desk, Look, Reply } from './desk.ts';
import { type Kept, keep, LOOK_MS } from './keeper.ts';
import { readLineExactly } from './line.ts';
import { type Admitted, admit, refused } from './query.ts';
import type { BrokerSys } from './sys.ts';

export interface BrokerOptions {
  readonly sys: BrokerSys;
  /** For the loop that waits for connections. */
  readonly loop: Sys;
  /** The broker's own socket (`machine` undefined: who comes in is told by the user id), and those of machines. */
  readonly listeners: readonly { readonly listener: Listener; readonly machine?: string }[];
  readonly config: BrokerConfig;
  readonly desk: Omit<Desk, 'machine' | 'look' | 'patience'>;
  /** The user id whose requests are those of this machine. */
  readonly uid: number;
  /** The command line of this machine's agent. */
  readonly agent: readonly string[];
  /** One line for the log; what is another's in it is escaped. */
  note(level: 'debug' | 'info' | 'warn', line: string): void;
}

const CALL = v.strictObject({
  version: v.literal(1),
  target: v.pipe(v.string(), v.maxLength(63)),
  service: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{1,60}(?:\+[A-Za-z0-9_.+-]{0,60})?$/)),
});
const CALL_MAX = 1024;
const CALL_MS = 10_000;
/** Calls at one time: of one machine, and altogether. */
const OF_ONE = 64;
const OF_ALL = 512;
const LOOK_WAIT_MS = 5000;
/** qrexec's own statuses. */
const CANNOT_RUN = 125;
const REFUSED = 126;
/** Of ConnectToFolder: another folder has taken the place of the one that was granted. */
const REPLACED = 116;

const REFUSAL: Ended = { exit: REFUSED, words: 'Request refused' };

/** Stands where dom0 stands in Qubes: tells who calls by the channel, asks, starts services in the machines it knows, keeps their sessions and ends them. */
export class Broker {
  readonly #o: BrokerOptions;
  readonly #desk: Desk;
  readonly #turns: Turns;
  readonly #sessions = new Map<Kept, { readonly run: AgentRun; why?: string }>();
  readonly #calls = new Map<string, number>();
  #all = 0;

  constructor(options: BrokerOptions) {
    this.#o = options;
    this.#turns = new Turns(options.loop, options.listeners.length);
    this.#desk = {
      ...options.desk,
      patience: options.config.patience,
      machine: (name) => {
        const machine = this.#machine(name);
        return Promise.resolve({ known: machine !== undefined, disposable: machine?.disposable === true });
      },
      look: (target, folder) => this.#look(target, folder),
    };
  }

  /** Serves until `stop`; then every session is ended. Listeners are the caller's to close. */
  async run(): Promise<void> {
    const { sys, note, listeners } = this.#o;
    for (const { listener, machine } of listeners)
      this.#turns.add(
        acceptor(
          sys,
          listener,
          (fd) => void this.#take(fd, machine),
          (line) => note('warn', line),
        ),
      );
    const timer = setInterval(() => this.#checkSessions(), LOOK_MS);
    try {
      await this.#turns.run();
    } finally {
      clearInterval(timer);
      const left = [...this.#sessions.values()];
      for (const session of left) {
        session.why ??= 'the broker was ended';
        session.run.end();
      }
      await Promise.all(left.map(({ run }) => run.ended));
      // Each tells the log in a turn of its own.
      while (this.#sessions.size > 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  stop(): void {
    this.#turns.stop();
  }

  /** One connection, one call. Never rejects. */
  async #take(fd: number, machine: string | undefined): Promise<void> {
    const { sys } = this.#o;
    const source = machine ?? this.#nameOf(fd);
    const of = source ?? '?';
    const mine = this.#calls.get(of) ?? 0;
    if (source === undefined || mine >= OF_ONE || this.#all >= OF_ALL) {
      this.#o.note('debug', `closed a connection of ${of}`);
      sys.close(fd);
      return;
    }
    this.#calls.set(of, mine + 1);
    this.#all++;
    let data = -1;
    const control = { socket: undefined as Socket | undefined };
    try {
      data = await takeData(sys, fd);
      const socket = new Socket({ fd });
      control.socket = socket;
      socket.on('error', () => {});
      const line = data < 0 ? undefined : await readLineOf(socket, CALL_MAX, CALL_MS);
      const call = v.safeParse(CALL, json(line));
      const given = data;
      data = -1;
      const ended = call.success ? await this.#call(source, call.output, given) : this.#drop(given);
      socket.end(`${JSON.stringify(ended)}\n`);
    } catch (error) {
      const words = error instanceof NinefoldError ? error.message : 'internal error';
      this.#o.note('warn', `a call of ${source} failed: ${printable(String(error))}`);
      control.socket?.end(`${JSON.stringify({ exit: CANNOT_RUN, words })}\n`);
    } finally {
      if (control.socket === undefined) sys.close(fd);
      if (data >= 0) sys.close(data);
      this.#calls.set(of, (this.#calls.get(of) ?? 1) - 1);
      this.#all--;
    }
  }

  #drop(data: number): Ended {
    if (data >= 0) this.#o.sys.close(data);
    return REFUSAL;
  }

  /** `data` is taken over. */
  async #call(source: string, call: v.InferOutput<typeof CALL>, data: number): Promise<Ended> {
    const plus = call.service.indexOf('+');
    const service = plus < 0 ? call.service : call.service.slice(0, plus);
    const argument = plus < 0 ? '' : call.service.slice(plus + 1);
    this.#o.note('debug', `${source} calls ${service} of ${printable(call.target)}`);
    if (call.target === 'dom0' || call.target === '@adminvm')
      return service === 'ruddo.AuthorizeFolderAccess' ? this.#authorize(source, data) : this.#drop(data);
    if (service === 'ruddo.ConnectToFolder' && isFingerprint(argument))
      return this.#connect(source, call.target, argument, data);
    return this.#drop(data);
  }

  async #authorize(source: string, data: number): Promise<Ended> {
    const socket = new Socket({ fd: data, allowHalfOpen: true });
    socket.on('error', () => {});
    const bytes = await readAll(socket, AUTHORIZE_MAX, CALL_MS);
    const reply: Reply = await authorize(this.#desk, source, bytes);
    await new Promise<void>((resolve) => {
      socket.once('close', resolve);
      socket.end(reply.stdout, () => socket.destroy());
    });
    return { exit: reply.exit, words: reply.stderr.trim() };
  }

  async #connect(source: string, target: string, print: string, data: number): Promise<Ended> {
    const { sys } = this.#o;
    let open = true;
    const close = (): void => {
      if (open) sys.close(data);
      open = false;
    };
    try {
      const address = this.#machine(target)?.address;
      const line = await readLineExactly(sys, data, FOLDER_LINE_MAX, CALL_MS);
      const folder = line === undefined ? undefined : parseFolderLine(line);
      if (address === undefined || folder === undefined || !folder.ok) return REFUSAL;
      const claim = { print, source, target, folder: folder.value, knowsReadOnly: true };
      const admitted = await admit(this.#desk, claim);
      if (!admitted.ok) {
        refused(this.#desk, claim, admitted.why);
        return REFUSAL;
      }
      return await this.#serve(print, admitted.value, address, { data, close });
    } finally {
      close();
    }
  }

  async #serve(
    print: string,
    admitted: Admitted,
    address: NonNullable<MachineConfig['address']>,
    channel: { readonly data: number; close(): void },
  ): Promise<Ended> {
    const { folder, access, source, rule } = admitted;
    const bound = rule.bound !== undefined && rule.folder === folder ? { bound: rule.bound } : {};
    const kept = keep(this.#desk, admitted);
    try {
      const run = await startAgent(
        this.#o.sys,
        address,
        this.#o.agent,
        {
          version: 1,
          service: `ruddo.ConnectToFolder+${print}`,
          source,
          given: { folder, access, ...bound },
        },
        channel.data,
        (line) => kept.tell(line),
      );
      this.#sessions.set(kept, { run });
      // The agent has its own: with another one here the client would not see the end.
      channel.close();
      return await this.#ended(kept, run, admitted);
    } catch (error) {
      kept.over(`its machine cannot be reached: ${error instanceof Error ? error.message : error}`);
      throw error;
    }
  }

  async #ended(kept: Kept, run: AgentRun, admitted: Admitted): Promise<Ended> {
    const ended = await run.ended;
    const said = ended.words === '' ? '' : `: ${ended.words}`;
    const byItself =
      ended.exit === 0 ? 'the client closed it' : `the server ended with status ${ended.exit}${said}`;
    kept.over(this.#sessions.get(kept)?.why ?? byItself);
    this.#sessions.delete(kept);
    const { rule } = admitted;
    if (ended.exit === REPLACED)
      await this.#desk.store.change((rules) => ({
        rules: rules.filter((r) => r.id !== rule.id),
        result: undefined,
      }));
    return ended;
  }

  #checkSessions(): void {
    for (const [kept, session] of this.#sessions) {
      const why = session.why === undefined ? kept.check() : undefined;
      if (why === undefined) continue;
      this.#o.note('info', `ending session ${kept.id}: ${printable(why)}`);
      session.why = why;
      session.run.end();
    }
  }

  async #look(target: string, folder: string): Promise<Look | undefined> {
    const address = this.#machine(target)?.address;
    const pair = address === undefined ? -1 : this.#o.sys.socketPair();
    if (address === undefined || typeof pair === 'number') return undefined;
    const [ours, theirs] = pair;
    const given = { folder, access: 'ro' as const };
    const call = { version: 1 as const, service: 'ninefold.LookAtFolder', source: '', given };
    const socket = new Socket({ fd: ours });
    socket.on('error', () => {});
    let run: AgentRun | undefined;
    try {
      run = await startAgent(this.#o.sys, address, this.#o.agent, call, theirs);
    } catch {
      return undefined;
    } finally {
      this.#o.sys.close(theirs);
      if (run === undefined) socket.destroy();
    }
    const line = await readLineOf(socket, CALL_MAX, LOOK_WAIT_MS);
    socket.destroy();
    run.end();
    const parsed = v.safeParse(LOOK, json(line));
    return parsed.success ? parsed.output : undefined;
  }

  #machine(name: string): MachineConfig | undefined {
    const { config } = this.#o;
    if (name === config.self) return { name, address: { kind: 'local' }, disposable: false };
    return config.machines.get(name);
  }

  #nameOf(fd: number): string | undefined {
    const cred = this.#o.sys.peerCred(fd);
    if (typeof cred === 'number') return undefined;
    for (const machine of this.#o.config.machines.values()) if (machine.uid === cred.uid) return machine.name;
    return cred.uid === this.#o.uid ? this.#o.config.self : undefined;
  }
}

const LOOK = v.union([
  v.strictObject({ missing: v.literal(true) }),
  v.strictObject({ bound: v.pipe(v.string(), v.regex(/^[0-9a-f.:-]{1,100}$/)) }),
]);

function json(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return undefined;
  }
}

/** To the end, or `max` bytes and one more; what has not ended in time is taken as it is, and is malformed then. */
function readAll(socket: Socket, max: number, patienceMs: number): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    let size = 0;
    const finish = (): void => {
      clearTimeout(timer);
      socket.removeAllListeners('data').pause();
      resolve(Buffer.concat(parts).subarray(0, max + 1));
    };
    const timer = setTimeout(finish, patienceMs);
    socket.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > max) finish();
    });
    socket.once('end', finish).once('close', finish);
  });
}
