// SPDX-License-Identifier: MIT

export type Kind = 'file' | 'folder' | 'link' | 'fifo';

/** What a server must know of each fid, and the bytes of the one file that is written. */
export class FidModel {
  readonly fids = new Map<number, { kind: Kind; flags: number | undefined }>();
  content: Buffer;

  constructor(content: Buffer) {
    this.content = content;
    this.fids.set(0, { kind: 'folder', flags: undefined });
  }

  write(offset: number, data: Buffer): void {
    if (data.length === 0) return;
    const size = Math.max(this.content.length, offset + data.length);
    const grown = Buffer.alloc(size);
    this.content.copy(grown);
    data.copy(grown, offset);
    this.content = grown;
  }
}
