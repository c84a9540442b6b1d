// SPDX-License-Identifier: MIT

import { Socket } from 'node:net';
import * as v from 'valibot';
import { NinefoldError, printable } from '../base/error.ts';
import type { Sys } from '../base/sys.ts';
import { Turns } from '../base/turns.ts';
import { isFingerprint } from '../policy/fingerprint.ts';
import { isAskedService } from '../policy/service-asking.ts';
import { parseFolderLine } from '../policy/wire.ts';
import { acceptor } from '../transport/accepting.ts';
import type { Listener } from '../transport/listener.ts';
import type { AgentCall } from './agent-call.ts';
import { type AgentRun, startAgent } from './agents.ts';
import { endQuestions } from './ask.ts';
import { authorize } from './authorize.ts';
import type { Ended } from './call.ts';
import type { CallPolicy, Verdict } from './call-policy.ts';
import type { BrokerConfig, MachineConfig } from './config.ts';
import { readLineOf } from './control.ts';
import { type Desk, type Look, type Reply, turnedAway } from './desk.ts';
import { type Caller, Doors } from './doors.ts';
import { enter } from './enter.ts';
import { type Kept, LOOK_MS } from './keeper.ts';
import type { OnTraffic } from './last-words.ts';
import { refused } from './query.ts';
import { allowService, keepService } from './service-call.ts';
import type { BrokerSys } from './sys.ts';

export interface BrokerOptions {
  readonly sys: BrokerSys;
  /** For the loop that waits for connections. */
  readonly loop: Sys;
  /** The broker's own socket (`machine` undefined: who comes in is told by the user id, or on a vsock by the context id), and those of machines. */
  readonly listeners: readonly { readonly listener: Listener; readonly machine?: string }[];
  readonly config: BrokerConfig;
  /** The rules about calls. */
  readonly policy: CallPolicy;
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
  /** The caller waits for one more line, `{"started":true}`, when the service has been started. */
  started: v.exactOptional(v.literal(true)),
});
const LOOK_MAX = 1024;
/** Calls at one time: of one machine, and altogether. */
const OF_ONE = 64;
const OF_ALL = 512;
const LOOK_WAIT_MS = 5000;
/** qrexec's own statuses. */
const CANNOT_RUN = 125;
const REFUSED = 126;
/** Of ConnectToFolder: another folder has taken the place of the one that was granted. */
const REPLACED = 116;

const ENDED = 'the broker was ended';
const REFUSAL: Ended = { exit: REFUSED, words: 'Request refused' };

/** Stands where dom0 stands in Qubes: tells who calls by the channel, asks, starts services in the machines it knows, keeps their sessions and ends them. */
export class Broker {
  readonly #o: BrokerOptions;
  readonly #desk: Desk;
  readonly #turns: Turns;
  readonly #doors: Doors;
  readonly #sessions = new Map<Kept, { readonly run: AgentRun; why?: string }>();
  readonly #calls = new Map<string, number>();
  #all = 0;
  #over = false;

  constructor(options: BrokerOptions) {
    this.#o = options;
    this.#turns = new Turns(options.loop, options.listeners.length);
    this.#doors = new Doors(options.sys, [...options.agent, '--door']);
    this.#desk = {
      ...options.desk,
      patience: options.config.patience,
      machine: (name) => {
        const machine = this.#machine(name);
        return Promise.resolve({ known: machine !== undefined, disposable: machine?.disposable === true });
      },
      look: (target, folder) => this.#look(target, folder),
      ask: (question) =>
        this.#over ? Promise.resolve({ kind: 'failed', why: ENDED }) : options.desk.ask(question),
    };
  }

  /** Serves until `stop`; then every session and question is ended. Listeners are the caller's to close. */
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
      this.#over = true;
      await endQuestions(ENDED);
      const left = [...this.#sessions.values()];
      for (const session of left) session.why ??= ENDED;
      await Promise.all(left.map(({ run }) => run.end()));
      await Promise.all(left.map(({ run }) => run.ended));
      // Each tells the log in a turn of its own.
      while (this.#sessions.size > 0) await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      await this.#doors.end();
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
      const cid = sys.peerCid(fd);
      const who = source ?? (cid < 0 ? 'nobody that is known' : `context id ${cid}`);
      this.#o.note('debug', `closed a connection of ${who}`);
      this.#doors.drop(fd);
      return;
    }
    this.#calls.set(of, mine + 1);
    this.#all++;
    let come: Awaited<ReturnType<Doors['take']>>;
    try {
      come = await this.#doors.take(fd, source);
      if (come === undefined) return;
      const { caller } = come;
      const call = v.safeParse(CALL, json(caller.line));
      caller.end(call.success ? await this.#call(source, call.output, caller) : REFUSAL);
    } catch (error) {
      const words = error instanceof NinefoldError ? error.message : 'internal error';
      this.#o.note('warn', `a call of ${source} failed: ${printable(String(error))}`);
      come?.caller.end({ exit: CANNOT_RUN, words });
    } finally {
      come?.done();
      this.#calls.set(of, (this.#calls.get(of) ?? 1) - 1);
      this.#all--;
    }
  }

  async #call(source: string, call: v.InferOutput<typeof CALL>, caller: Caller): Promise<Ended> {
    const plus = call.service.indexOf('+');
    const service = plus < 0 ? call.service : call.service.slice(0, plus);
    const argument = plus < 0 ? '' : call.service.slice(plus + 1);
    this.#o.note('debug', `${source} calls ${service} of ${printable(call.target)}`);
    const verdict = this.#verdict(source, call.target, service, argument);
    if (verdict.kind === 'refuse') {
      const { target } = call;
      const request = { source, target: printable(target), service: call.service };
      turnedAway(this.#desk, request, 'policy', verdict.why);
      return REFUSAL;
    }
    if (call.target === 'dom0' || call.target === '@adminvm')
      return service === 'ruddo.AuthorizeFolderAccess' ? this.#authorize(source, caller) : REFUSAL;
    if (service === 'ruddo.ConnectToFolder' && isFingerprint(argument))
      return this.#connect(source, call.target, argument, caller);
    return this.#service(source, call, verdict, caller);
  }

  /** What the rules about calls say; where they cannot be read, no. */
  #verdict(source: string, target: string, service: string, argument: string): Verdict {
    const plain = { source, target, service, argument: `+${argument}` };
    try {
      return this.#o.policy.decide(plain, (name) => this.#machine(name));
    } catch (error) {
      return { kind: 'refuse', why: error instanceof Error ? error.message : String(error) };
    }
  }

  async #authorize(source: string, caller: Caller): Promise<Ended> {
    const bytes = (await caller.read('all')) ?? new Uint8Array();
    const reply: Reply = await authorize(this.#desk, source, bytes);
    caller.put(reply.stdout);
    return { exit: reply.exit, words: reply.stderr.trim() };
  }

  async #connect(source: string, target: string, print: string, caller: Caller): Promise<Ended> {
    const address = this.#machine(target)?.address;
    const line = await caller.read('line');
    const folder = line === undefined ? undefined : parseFolderLine(line);
    if (address === undefined || folder === undefined || !folder.ok) return REFUSAL;
    const claim = { print, source, target, folder: folder.value, knowsReadOnly: true };
    const admitted = await enter(this.#desk, claim);
    if (!admitted.ok) {
      refused(this.#desk, claim, admitted.why);
      return REFUSAL;
    }
    const { access, rule, denied, kept } = admitted.value;
    const bound = rule.bound !== undefined && rule.folder === folder.value ? { bound: rule.bound } : {};
    const inside = denied.length === 0 ? {} : { denied: [...denied] };
    const call: AgentCall = {
      version: 1,
      service: `ruddo.ConnectToFolder+${print}`,
      source,
      given: { folder: folder.value, access, ...bound, ...inside },
    };
    const tell = (told: string): void => kept.tell(told);
    const ended = await this.#run(kept, address, call, caller, { tell });
    if (ended.exit === REPLACED)
      await this.#desk.store.change((rules) => ({
        rules: rules.filter((r) => r.id !== rule.id),
        result: undefined,
      }));
    return ended;
  }

  /** A service of files: allowed by a rule, or asked about each time. */
  async #service(
    source: string,
    call: v.InferOutput<typeof CALL>,
    { kind, target, why, user }: Verdict & { kind: 'allow' | 'ask' },
    caller: Caller,
  ): Promise<Ended> {
    const [service = ''] = call.service.split('+');
    if (!isAskedService(service)) return REFUSAL;
    const request = { source, target, service: call.service };
    const rule = kind === 'allow' ? why : undefined;
    if (!(await allowService(this.#desk, request, service, rule))) return REFUSAL;
    const kept = keepService(this.#desk, request);
    const address = this.#machine(target)?.address;
    if (caller.gone() || address === undefined) {
      kept.over(address === undefined ? 'its machine has no agent' : 'the caller had gone before the answer');
      return REFUSAL;
    }
    const as = user === undefined ? {} : { user };
    const hears = call.started === true ? { started: () => caller.tell({ started: true }) } : {};
    return this.#run(kept, address, { version: 1, service: call.service, source, ...as }, caller, hears);
  }

  /** Starts what was allowed and keeps it until it ends, or has to. `started` is called in between, `tell` with what goes through it. */
  async #run(
    kept: Kept,
    address: NonNullable<MachineConfig['address']>,
    call: AgentCall,
    caller: Caller,
    hears: { readonly started?: () => void; readonly tell?: OnTraffic },
  ): Promise<Ended> {
    try {
      const { sys, agent } = this.#o;
      const run = await startAgent(sys, address, agent, call, caller.data, hears.tell);
      this.#sessions.set(kept, { run });
      // The agent has its own: with another one here the client would not see the end.
      caller.close();
      hears.started?.();
      const ended = await run.ended;
      const said = ended.words === '' ? '' : `: ${ended.words}`;
      const byItself =
        ended.exit === 0 ? 'the client closed it' : `the server ended with status ${ended.exit}${said}`;
      kept.over(this.#sessions.get(kept)?.why ?? byItself);
      return ended;
    } catch (error) {
      kept.over(`its machine cannot be reached: ${error instanceof Error ? error.message : error}`);
      throw error;
    } finally {
      this.#sessions.delete(kept);
    }
  }

  #checkSessions(): void {
    for (const [kept, session] of this.#sessions) {
      const why = session.why === undefined ? this.#check(kept) : undefined;
      if (why === undefined) continue;
      this.#o.note('info', `ending session ${kept.id}: ${printable(why)}`);
      session.why = why;
      void session.run.end();
    }
  }

  /** A fault here must not end the broker, and with it everybody's; nor may a session go on of which nobody knows whether it may. */
  #check(kept: Kept): string | undefined {
    try {
      return kept.check();
    } catch (error) {
      return `it cannot be looked whether it may go on: ${error instanceof Error ? error.message : error}`;
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
    const line = await readLineOf(socket, LOOK_MAX, LOOK_WAIT_MS);
    socket.destroy();
    void run.end();
    const parsed = v.safeParse(LOOK, json(line));
    return parsed.success ? parsed.output : undefined;
  }

  #machine(name: string): MachineConfig | undefined {
    const { config } = this.#o;
    if (name === config.self) return { name, address: { kind: 'local' }, disposable: false, tags: [] };
    return config.machines.get(name);
  }

  #nameOf(fd: number): string | undefined {
    const cid = this.#o.sys.peerCid(fd);
    if (cid >= 0) return [...this.#o.config.machines.values()].find((m) => m.cid === cid)?.name;
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
