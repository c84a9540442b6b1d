// SPDX-License-Identifier: MIT
// relay UP DOWN COMMAND ARGUMENT…: a server command with a channel that breaks: after UP bytes to the server, or DOWN bytes from it, both directions
// end at that very byte.

import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

const [up, down, command = '', ...args] = process.argv.slice(2);
const server = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
server.once('close', (code) => process.exit(code ?? 1));

function carry(from: Readable, to: Writable, most: number): void {
  let left = most;
  from.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, left);
    left -= part.length;
    to.write(part, () => {
      if (left > 0) return;
      server.stdin.destroy();
      process.stdout.destroy();
      process.stdin.destroy();
    });
  });
  from.on('end', () => to.end());
  from.on('error', () => to.end());
  to.on('error', () => from.destroy());
}

carry(process.stdin, server.stdin, Number(up));
carry(server.stdout, process.stdout, Number(down));
