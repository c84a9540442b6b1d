// SPDX-License-Identifier: MIT

/** So many machines are remembered; the one that asked longest ago goes first. */
export const MACHINES_MAX = 100;
/** A file longer than this is none of ours. Bytes. */
export const FILE_MAX = 4 * 1024 * 1024;

/** Machine → the path that was last shown for it; the order is that of their asking. */
export type LastShown = ReadonlyMap<string, string>;

/** What the state file holds; nothing where it is no such file. It only decides what is marked, so damage is no reason not to ask. */
export function parseLast(text: string): LastShown {
  const last = new Map<string, string>();
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null) return last;
    const { version, folders } = json as { version?: unknown; folders?: unknown };
    if (version !== 1 || !Array.isArray(folders)) return last;
    for (const entry of folders as unknown[]) {
      if (!Array.isArray(entry)) return new Map();
      const [source, shown] = entry as unknown[];
      if (typeof source !== 'string' || typeof shown !== 'string') return new Map();
      last.set(source, shown);
    }
  } catch {
    return new Map();
  }
  return last;
}

export function withShown(last: LastShown, source: string, shown: string): LastShown {
  const more = new Map(last);
  more.delete(source);
  more.set(source, shown);
  for (const oldest of more.keys()) {
    if (more.size <= MACHINES_MAX) break;
    more.delete(oldest);
  }
  return more;
}

export const formatLast = (last: LastShown): string =>
  `${JSON.stringify({ version: 1, folders: [...last] })}\n`;
