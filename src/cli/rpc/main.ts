// SPDX-License-Identifier: MIT

import { basename } from 'node:path';
import { printable } from '../../base/error.ts';
import type { Given } from '../../broker/agent-call.ts';
import { authorize } from '../../broker/authorize.ts';
import type { Desk, Reply } from '../../broker/desk.ts';
import { INVALID, invalid, REFUSED } from '../../broker/desk.ts';
import { qubesMachine } from '../../broker/qubes.ts';
import { query } from '../../broker/query.ts';
import { AUTHORIZE_MAX, FOLDER_LINE_MAX } from '../../policy/wire.ts';
import { asker } from '../policy/asking.ts';
import { openBooks, PATIENCE_S } from '../policy/desk.ts';
import { output } from '../print.ts';
import { describe, say } from '../report.ts';
import { numberOption } from '../values.ts';
import { connectService, lookService } from './connect.ts';
import { readInput } from './input.ts';
import { sessionService } from './session.ts';

/** What qrexec tells a service. */
export interface ServiceCall {
  readonly source: string;
  /** undefined: there was no "+". */
  readonly argument: string | undefined;
  /** What a broker that starts the service itself has found out; qrexec never does. */
  readonly given?: Given;
  /** Whoever started the service wants to hear what goes through it, on its standard error. */
  readonly traffic?: boolean;
}

type Service = (call: ServiceCall) => Promise<number>;

/** The services, by the names that qrexec finds them under. The first three run in the machine that decides, the others in the one that has the folder. */
const SERVICES: Readonly<Record<string, Service>> = {
  'ruddo.AuthorizeFolderAccess': (call) =>
    answer(call, AUTHORIZE_MAX, (desk, bytes) => authorize(desk, call.source, bytes)),
  'ruddo.QueryFolderAuthorization': (call) =>
    answer(call, FOLDER_LINE_MAX, (desk, bytes) => query(desk, call.source, call.argument, bytes)),
  'ninefold.FolderSession': (call) => inAdmin(call, (desk) => sessionService(desk, call)),
  'ruddo.ConnectToFolder': connectService,
  'ninefold.LookAtFolder': lookService,
};

const SERVICE_NAMES: readonly string[] = Object.keys(SERVICES);

/** `ruddo` itself, as brokers and scripts start it; under any other name it is a service, as qrexec finds it. */
const ITSELF = /^ruddo(?:\.c?js)?(?![\s\S])/;

/**
 * The service whose name the program was started under; undefined: it is `ruddo` itself, whose arguments say what to do. Under qrexec the first argument is what the CALLER has put behind the `+`, so that
 * under a service's name no argument may choose anything.
 */
export function serviceOfPath(path: string): string | undefined {
  const name = basename(path);
  return ITSELF.test(name) ? undefined : name;
}

/** The main function of the program `ruddo` where it is to be a service. Its status is the service's. */
export function rpcMain(name: string, env: NodeJS.ProcessEnv = process.env): void {
  const call = { source: env.QREXEC_REMOTE_DOMAIN ?? '', argument: env.QREXEC_SERVICE_ARGUMENT };
  void runService(name, call).then((status) => process.exit(status));
}

/** Never rejects: the other side hears of a refusal; what went wrong is said on stderr. 127: there is no such service. */
export async function runService(name: string, call: ServiceCall): Promise<number> {
  const service = Object.hasOwn(SERVICES, name) ? SERVICES[name] : undefined;
  if (service === undefined) {
    say(`error: there is no service "${printable(name)}"; there are ${SERVICE_NAMES.join(', ')}`);
    return NO_SERVICE;
  }
  try {
    return await service(call);
  } catch (error) {
    say(`Request refused\n${describe(error).line}`);
    return name === 'ruddo.ConnectToFolder' ? NOT_ALLOWED : REFUSED;
  }
}

/** qrexec's own statuses. */
const NO_SERVICE = 127;
const NOT_ALLOWED = 126;

/** A service of the machine that decides: whoever calls must have meant it. */
async function inAdmin(call: ServiceCall, work: (desk: Desk) => Promise<number>): Promise<number> {
  const { QREXEC_REQUESTED_TARGET_TYPE: type, QREXEC_REQUESTED_TARGET: target } = process.env;
  const meant =
    (type === 'name' && target === 'dom0') ||
    (type === 'keyword' && process.env.QREXEC_REQUESTED_TARGET_KEYWORD === 'adminvm');
  if (!meant || call.source === '') {
    say(meant ? 'error: nobody is said to ask' : 'error: this service is for dom0 only');
    return INVALID;
  }
  return work(openDesk());
}

function answer(
  call: ServiceCall,
  max: number,
  work: (desk: Desk, bytes: Uint8Array) => Promise<Reply>,
): Promise<number> {
  return inAdmin(call, async (desk) => {
    const bytes = await readInput(process.stdin, max);
    const reply =
      bytes === undefined
        ? invalid(desk, call.source, 'request', 'it did not come to its end in time')
        : await work(desk, bytes);
    return send(reply);
  });
}

export function send(reply: Reply): Promise<number> {
  return new Promise((resolve) => {
    process.stderr.write(reply.stderr);
    output().write(reply.stdout, () => resolve(reply.exit));
  });
}

function openDesk(): Desk {
  const { env } = process;
  const books = openBooks((line) => say(`ninefold: ${line}`));
  // qrexec starts services outside of the desktop's session.
  const asking = { ...env, DISPLAY: env.DISPLAY || ':0' };
  return {
    ...books,
    patience: numberOption('NINEFOLD_PATIENCE', env.NINEFOLD_PATIENCE || String(PATIENCE_S), 1, 3600),
    machine: qubesMachine(env.NINEFOLD_QVM_LS || 'qvm-ls'),
    ask: (question) => asker(env.NINEFOLD_ASK, asking).ask(question),
  };
}
