// SPDX-License-Identifier: MIT

import { pino } from 'pino';
import { say } from './report.ts';
import type { LogFormat, LogLevel } from './serve/options.ts';

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/**
 * The log of a control-plane program, on stderr. `text`: one line for people, `ninefold serve: warn: …`; `json`: pino's lines. Messages hold no
 * unescaped text from a peer or file name (`printable`).
 */
export function openLog(program: string, level: LogLevel, format: LogFormat): Log {
  const write = (line: string): void => say(format === 'json' ? line.trimEnd() : asText(program, line));
  const log = pino({ name: program, level, base: { pid: process.pid } }, { write });
  const to =
    (name: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      log[name](fields, message);
  return { debug: to('debug'), info: to('info'), warn: to('warn'), error: to('error') };
}

const WORDS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info', 40: 'warn', 50: 'error' };

function asText(program: string, line: string): string {
  const { level, msg } = JSON.parse(line) as { level: number; msg: string };
  // What is merely told is told without a label.
  return level === 30 ? `${program}: ${msg}` : `${program}: ${WORDS[level] ?? level}: ${msg}`;
}
