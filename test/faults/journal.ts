// SPDX-License-Identifier: MIT
// What a writer does, as data: each step is acknowledged only after fsync(2), so that the state that must survive is known exactly.

import { createRandom, type Random } from '../helpers/random.ts';

/** Bytes that follow from `key` alone. */
export interface Segment {
  readonly key: number;
  readonly len: number;
}
export interface FileState {
  readonly kind: 'file';
  segments: Segment[];
  mode: number;
}
export type Entry =
  | FileState
  | { readonly kind: 'folder' }
  | { readonly kind: 'link'; readonly target: string };
/** Paths below the writer's folder. Two names of one file hold the same object. */
export type State = Map<string, Entry>;

export type Step =
  | {
      readonly op: 'create' | 'append' | 'appendSync' | 'replace';
      readonly name: string;
      readonly seg: Segment;
    }
  | { readonly op: 'inplace'; readonly name: string; readonly index: number; readonly seg: Segment }
  | { readonly op: 'truncate'; readonly name: string; readonly keep: number }
  | { readonly op: 'rename' | 'link'; readonly name: string; readonly to: string }
  | { readonly op: 'symlink'; readonly name: string; readonly target: string }
  | { readonly op: 'chmod'; readonly name: string; readonly mode: number }
  | { readonly op: 'unlink' | 'mkdir' | 'rmdir'; readonly name: string };

/** The name that `replace` writes first. */
export const temporary = (name: string): string => `${name}.new`;

export function bytesOf(segments: readonly Segment[]): Buffer {
  return Buffer.concat(segments.map((s) => fill(s)));
}

function fill({ key, len }: Segment): Buffer {
  const b = Buffer.alloc(len);
  let x = (Math.imul(key, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  for (let i = 0; i < len; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    b[i] = x;
  }
  return b;
}

/** Changes `state` as a step does that succeeds. */
export function apply(state: State, step: Step): void {
  const file = (): FileState => state.get(step.name) as FileState;
  switch (step.op) {
    case 'create':
    case 'replace':
      state.set(step.name, { kind: 'file', segments: [step.seg], mode: 0o644 });
      return;
    case 'append':
    case 'appendSync':
      file().segments.push(step.seg);
      return;
    case 'inplace':
      file().segments[step.index] = step.seg;
      return;
    case 'truncate':
      file().segments.length = step.keep;
      return;
    case 'rename':
      state.set(step.to, state.get(step.name) as Entry);
      state.delete(step.name);
      return;
    case 'link':
      state.set(step.to, state.get(step.name) as Entry);
      return;
    case 'symlink':
      state.set(step.name, { kind: 'link', target: step.target });
      return;
    case 'chmod':
      file().mode = step.mode;
      return;
    case 'mkdir':
      state.set(step.name, { kind: 'folder' });
      return;
    case 'unlink':
    case 'rmdir':
      state.delete(step.name);
  }
}

/** Makes steps that are possible in the state that it keeps. */
export class Steps {
  readonly state: State = new Map();
  private readonly random: Random;
  private serial = 0;

  constructor(seed: number) {
    this.random = createRandom(seed);
  }

  next(): Step {
    const step = this.choose();
    apply(this.state, step);
    return step;
  }

  private segment(): Segment {
    const { random } = this;
    const len = random(10) === 0 ? 1 + random(200_000) : 1 + random(9000);
    return { key: random(0x7fffffff), len };
  }

  private names(kind: Entry['kind']): string[] {
    return [...this.state].filter(([, e]) => e.kind === kind).map(([name]) => name);
  }

  private fresh(): string {
    const folders = this.names('folder');
    const name = `n${this.serial++}`;
    return folders.length > 0 && this.random(3) === 0
      ? `${folders[this.random(folders.length)]}/${name}`
      : name;
  }

  private choose(): Step {
    const { random, state } = this;
    const files = this.names('file');
    const name = files[random(Math.max(1, files.length))];
    const folders = this.names('folder');
    if (name === undefined || files.length < 3)
      return { op: 'create', name: this.fresh(), seg: this.segment() };
    const file = state.get(name) as FileState;
    if (files.length > 60) return { op: 'unlink', name };
    switch (random(14)) {
      case 0:
      case 1:
        return { op: 'append', name, seg: this.segment() };
      case 2:
        return { op: 'appendSync', name, seg: this.segment() };
      case 3:
        return { op: 'replace', name, seg: this.segment() };
      case 4: {
        const index = random(file.segments.length);
        const old = file.segments[index];
        if (old === undefined) break;
        return { op: 'inplace', name, index, seg: { key: random(0x7fffffff), len: old.len } };
      }
      case 5:
        return { op: 'truncate', name, keep: random(file.segments.length + 1) };
      case 6:
        return { op: 'rename', name, to: this.fresh() };
      case 7: {
        const to = files[random(files.length)];
        // Two names of one file: rename(2) does nothing.
        if (to === undefined || to === name || state.get(to) === file) break;
        return { op: 'rename', name, to };
      }
      case 8:
        return { op: 'link', name, to: this.fresh() };
      case 9:
        return { op: 'symlink', name: this.fresh(), target: `../${name}` };
      case 10:
        return { op: 'chmod', name, mode: [0o600, 0o640, 0o755, 0o644][random(4)] as number };
      case 11:
        return { op: 'unlink', name };
      case 12: {
        const empty = folders.find((f) => ![...state.keys()].some((n) => n.startsWith(`${f}/`)));
        if (empty !== undefined && random(2) === 0) return { op: 'rmdir', name: empty };
        return { op: 'mkdir', name: `d${this.serial++}` };
      }
      default:
    }
    return { op: 'create', name: this.fresh(), seg: this.segment() };
  }
}
