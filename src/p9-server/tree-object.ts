// SPDX-License-Identifier: MIT
// What a program gives to be served as a tree.

export type Maybe<X> = X | Promise<X>;

/** What every object of a tree may say about itself. */
export interface TreeCommon {
  /** Permission bits; 0o444 for files, 0o555 for folders, with 0o222 where they can be written. */
  readonly mode?: number;
  /** Last change, milliseconds since 1970; the start of the connection when absent. */
  readonly mtimeMs?: number;
}

/** A file whose bytes the program makes. */
export interface TreeFile extends TreeCommon {
  readonly kind: 'file';
  /** Bytes. Asked at every getattr. */
  readonly size: number;
  /** At most `length` bytes from `offset`; fewer only at the end. */
  read(offset: number, length: number): Maybe<Uint8Array>;
  /** Absent: the file is read-only. Returns how many bytes were taken. */
  write?(offset: number, data: Uint8Array): Maybe<number>;
  /** Absent: the size cannot be set. */
  resize?(size: number): Maybe<void>;
}

/** A folder whose entries the program finds. */
export interface TreeFolder extends TreeCommon {
  readonly kind: 'folder';
  /** Names without `.` and `..`; each a single component of at most 255 bytes in UTF-8. Asked once per opening. */
  names(): Maybe<Iterable<string>>;
  /** The object of that name. The same thing must be the same JavaScript object each time: its identity becomes the inode number. */
  get(name: string): Maybe<TreeObject | undefined>;
}

export interface TreeLink extends TreeCommon {
  readonly kind: 'link';
  readonly target: string;
}

export type TreeObject = TreeFile | TreeFolder | TreeLink;
