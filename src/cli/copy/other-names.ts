// SPDX-License-Identifier: MIT

/** `name (2)` to `name (99)`. */
const TRIES = 99;
const NAME_MAX = 255;
/** What is longer is no suffix. */
const SUFFIX_MAX = 32;

/** Names beside a leaf, `report (2).odt` first; each as long as a name may be. A folder has no suffix. */
export function* otherNames(leaf: Uint8Array, folder: boolean): Generator<Buffer> {
  const text = Buffer.from(leaf).toString('latin1');
  const dot = text.lastIndexOf('.');
  const suffixed = !folder && dot > 0 && text.length - dot <= SUFFIX_MAX;
  const [stem, suffix] = suffixed ? [text.slice(0, dot), text.slice(dot)] : [text, ''];
  for (let i = 2; i <= TRIES; i++) {
    const end = ` (${i})${suffix}`;
    yield Buffer.from(shortened(stem, NAME_MAX - end.length) + end, 'latin1');
  }
}

/** At most so many bytes, without half a character or half of what --rename-unsafe makes of one. */
function shortened(bytes: string, most: number): string {
  if (bytes.length <= most) return bytes;
  let cut = most;
  while (cut > 0 && (bytes.charCodeAt(cut) & 0xc0) === 0x80) cut--;
  return bytes.slice(0, cut).replace(/%[0-9A-F]?$/, '');
}
