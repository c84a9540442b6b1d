// SPDX-License-Identifier: MIT

/** One object of an archive. `mode` has the type bits (inode(7)); a symbolic link's content is its target. */
export interface Member {
  name: string;
  mode: number;
  content?: Uint8Array;
}

/**
 * A cpio archive in the "newc" format, which is what Linux unpacks as its first root folder: 13 fields of 8 hexadecimal digits after the
 * magic, names and contents padded to 4 bytes. Everything belongs to root and has no time, so that the same members give the same bytes.
 * Source: Documentation/driver-api/early-userspace/buffer-format.rst.
 */
export function cpio(members: readonly Member[]): Buffer {
  const parts: Buffer[] = [];
  const add = (name: string, mode: number, nlink: number, ino: number, content: Uint8Array): void => {
    const path = Buffer.from(`${name}\0`);
    const fields = [ino, mode, 0, 0, nlink, 0, content.byteLength, 0, 0, 0, 0, path.length, 0];
    const head = `070701${fields.map((f) => f.toString(16).padStart(8, '0')).join('')}`;
    parts.push(padded(Buffer.concat([Buffer.from(head), path])), padded(content));
  };
  members.forEach((m, i) => {
    add(m.name, m.mode, 1, i + 1, m.content ?? new Uint8Array(0));
  });
  add('TRAILER!!!', 0, 1, 0, new Uint8Array(0));
  return Buffer.concat(parts);
}

function padded(bytes: Uint8Array): Buffer {
  const out = Buffer.alloc((bytes.byteLength + 3) & ~3);
  out.set(bytes);
  return out;
}
