// SPDX-License-Identifier: MIT

/**
 * `qubes.OpenInVM`: the client sends a block of 256 bytes with the file's name, NUL-padded, then the contents to the end of the stream; the server sends the
 * edited contents, or nothing for "not changed". No length, no checksum, no status: only the exit status of the call tells a whole reply from a torn one.
 *
 * Source: qubes-core-agent-linux 4.4, qubes-rpc/{dvm2.h,qopen-in-vm.c,vm-file-editor.c}.
 */
export const NAME_BLOCK = 256;
const NAME_MAX = NAME_BLOCK - 1;
/** In front of the name: changes are not wanted back. */
const VIEW_ONLY = new TextEncoder().encode('view-only-');

/** `name`: the last component. Of one that is too long the end is kept, because the suffix tells what opens it. */
export function encodeNameBlock(name: Uint8Array, viewOnly: boolean): Uint8Array {
  const block = new Uint8Array(NAME_BLOCK);
  const at = viewOnly ? VIEW_ONLY.length : 0;
  if (viewOnly) block.set(VIEW_ONLY);
  block.set(name.subarray(Math.max(0, name.length - (NAME_MAX - at))), at);
  return block;
}

export interface WantedFile {
  readonly name: Uint8Array;
  readonly viewOnly: boolean;
}

/** The name as it was sent, up to the first NUL. `block`: NAME_BLOCK bytes. */
export function decodeNameBlock(block: Uint8Array): WantedFile {
  const nul = block.subarray(0, NAME_MAX).indexOf(0);
  const name = block.subarray(0, nul < 0 ? NAME_MAX : nul);
  const viewOnly = VIEW_ONLY.every((b, i) => name[i] === b);
  return { name: name.slice(viewOnly ? VIEW_ONLY.length : 0), viewOnly };
}

/**
 * The name under which a server may keep the file: bytes other than `[0-9A-Za-z._+@-]` become `_`, as the original writes them; `.` or `-` at the
 * beginning, which would hide the file or read as an option, too. undefined: it has a `/`, or is empty.
 */
export function localName(name: Uint8Array): string | undefined {
  if (name.length === 0 || name.includes(0x2f)) return undefined;
  const text = String.fromCharCode(...name).replace(/[^0-9A-Za-z._+@-]/g, '_');
  return text.replace(/^[.-]/, '_');
}
