// SPDX-License-Identifier: MIT

import { say } from './report.ts';
import { LOG_LEVELS, type LogFormat, type LogLevel } from './serve/options.ts';

export type LineLog = (level: 'debug' | 'info' | 'warn' | 'error', line: string) => void;

/** A data plane does not load pino, but its lines stand beside those of the supervisor, which does. */
const PINO_LEVELS = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** The log of a data-plane program, on stderr. */
export function lineLog(program: string, least: LogLevel, format: LogFormat): LineLog {
  return (level, line) => {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(least)) return;
    if (format === 'text') return say(`${program}: ${level}: ${line}`);
    const time = Date.now();
    say(JSON.stringify({ level: PINO_LEVELS[level], time, pid: process.pid, name: program, msg: line }));
  };
}
