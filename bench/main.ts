// SPDX-License-Identifier: MIT
// npm run bench. See HELP in args.ts.

import { join } from 'node:path';
import { type BenchArgs, benchArgs, HELP } from './args.ts';
import { askPart } from './ask/part.ts';
import { Cleanup } from './common/cleanup.ts';
import { machine } from './common/machine.ts';
import { top } from './common/place.ts';
import { copyPart } from './copy/part.ts';
import { mountPart } from './mount/part.ts';
import { type Part, updatePage } from './page.ts';
import { proxyPart } from './proxy/part.ts';
import { serverPart } from './server/part.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  let args: BenchArgs;
  try {
    args = benchArgs(argv);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n${HELP}`);
    return 64;
  }
  if (args.help) {
    process.stdout.write(HELP);
    return 0;
  }
  // Some machines set it for all: see the text of the server's part.
  delete process.env.NODE_EXTRA_CA_CERTS;
  const cleanup = new Cleanup();
  cleanup.onEnd();
  try {
    const parts: Part[] = [];
    if (args.server) show(await serverPart(args, cleanup), parts);
    if (args.mount) show(await mountPart(args, cleanup), parts);
    if (args.proxy) show(await proxyPart(args, cleanup), parts);
    if (args.copy) show(await copyPart(args, cleanup), parts);
    if (args.ask) show(await askPart(args, cleanup), parts);
    if (parts.length === 0) {
      process.stderr.write(`bench: no row is called ${args.row}\n`);
      return 64;
    }
    if (args.quick || args.row !== '' || args.peers.length > 0) {
      process.stdout.write(
        'docs/BENCHMARKS.md stays as it is: --quick, --row and --peers give no whole table.\n',
      );
      return 0;
    }
    const path = join(top(), 'docs/BENCHMARKS.md');
    const command = ['npm run bench', ...(argv.length > 0 ? ['--', ...argv] : [])].join(' ');
    updatePage(path, parts, { command, machine: machine(), date: new Date().toISOString().slice(0, 10) });
    process.stdout.write('Written to docs/BENCHMARKS.md.\n');
    return 0;
  } catch (error) {
    process.stderr.write(`\nbench: ${(error as Error).message}\n`);
    return 1;
  } finally {
    cleanup.run();
  }
}

function show(part: Part | undefined, parts: Part[]): void {
  if (part === undefined) return;
  parts.push(part);
  const notes = part.missing.map((m) => `${m}.\n`).join('');
  process.stdout.write(
    `\n${part.title}\n${part.text}\n${part.versions.join(', ')}\n${notes}\n${part.table}\n\n`,
  );
}
