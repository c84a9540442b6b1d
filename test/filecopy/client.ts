// SPDX-License-Identifier: MIT
// What qrexec-client-vm does, for tests on one machine: starts the service and the local program, joined by two pipes.
//
//   node client.js [OPTION…] -- TARGET SERVICE [PROGRAM ARG…]
//
// NINEFOLD_TEST_SERVICE_qubes_Filecopy and its like hold the service's command, as JSON; NINEFOLD_TEST_CALLS a file that gets a line for each call.

import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';

const args = process.argv.slice(2);
const [target = '', call = '', ...local] = args.slice(args.indexOf('--') + 1);
const [service = '', argument] = call.split('+');
const { NINEFOLD_TEST_CALLS: calls } = process.env;
if (calls !== undefined) appendFileSync(calls, `${target} ${call} ${local.slice(2).join(' ')}\n`);
const command = process.env[`NINEFOLD_TEST_SERVICE_${service.replaceAll('.', '_')}`];
if (command === undefined) {
  process.stderr.write('Request refused\n');
  process.exit(126);
}
const [program = '', ...words] = JSON.parse(command) as string[];
const server = spawn(program, argument === undefined ? words : [...words, argument], {
  stdio: ['pipe', 'pipe', 'inherit'],
  env: { ...process.env, QREXEC_REMOTE_DOMAIN: 'source', QREXEC_SERVICE_FULL_NAME: call },
});
const client =
  local.length === 0
    ? undefined
    : spawn(local[0] as string, local.slice(1), {
        stdio: ['pipe', 'pipe', 'inherit', 1],
        env: { ...process.env, SAVED_FD_1: '3' },
      });
const input = client?.stdout ?? process.stdin;
const output = client?.stdin ?? process.stdout;
for (const stream of [server.stdin, output]) stream.on('error', () => input.unpipe());
input.pipe(server.stdin);
server.stdout.pipe(output);
// A service that ends takes its end of the connection with it.
server.on('exit', () => input.destroy());
const ended = (child: typeof server): Promise<number> =>
  new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
const [served, done] = await Promise.all([
  ended(server),
  client === undefined ? 0 : ended(client as typeof server),
]);
process.exit(served !== 0 ? served : done);
