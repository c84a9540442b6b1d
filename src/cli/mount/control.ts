// SPDX-License-Identifier: MIT

import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import * as v from 'valibot';

/** What a mount process answers to everyone who connects to its control socket: one line of JSON, then the end. */
const STATUS = v.object({
  /** `connected`; `disconnected`: the server is gone and every operation fails. */
  state: v.picklist(['connected', 'disconnected']),
  /** Why it is disconnected. */
  reason: v.optional(v.string()),
  operations: v.number(),
  bytesRead: v.number(),
  bytesWritten: v.number(),
});
export type Status = v.InferOutput<typeof STATUS>;

/** A process that does not answer within this is hung. */
const PATIENCE_MS = 1000;
const ANSWER_MAX = 64 * 1024;

/** Answers until `close`. The socket's folder is the user's alone (registry), and so is the socket. */
export function answerStatus(path: string, status: () => Status): Promise<Server> {
  rmSync(path, { force: true });
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`${JSON.stringify(status())}\n`);
      socket.resume();
    });
    server.maxConnections = 16;
    server.once('error', reject);
    // Node binds at once.
    const old = process.umask(0o177);
    server.listen(path, () => resolve(server));
    process.umask(old);
  });
}

/** Asks a mount process; undefined when it does not answer, or not what it should. */
export function askStatus(path: string): Promise<Status | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(path);
    const end = (status: Status | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(status);
    };
    const timer = setTimeout(() => end(undefined), PATIENCE_MS);
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
      if (text.length > ANSWER_MAX) end(undefined);
    });
    socket.on('error', () => end(undefined));
    socket.on('end', () => end(parseStatus(text)));
  });
}

function parseStatus(text: string): Status | undefined {
  try {
    const parsed = v.safeParse(STATUS, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
