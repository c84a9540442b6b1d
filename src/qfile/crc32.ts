// SPDX-License-Identifier: MIT

/**
 * CRC-32 as in gzip: reflected polynomial 0xEDB88320, inverted before and after each step, so that running values chain. Slicing by eight
 * (Kounavis and Berry, 2005), for runtimes without `zlib.crc32`.
 */
const POLYNOMIAL = 0xedb88320;
const T = new Int32Array(8 * 256);
for (let n = 0; n < 256; n++) {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ POLYNOMIAL : c >>> 1;
  T[n] = c;
}
for (let n = 0; n < 256; n++)
  for (let k = 1; k < 8; k++) {
    const c = T[(k - 1) * 256 + n] as number;
    T[k * 256 + n] = (c >>> 8) ^ (T[c & 0xff] as number);
  }

/** The checksum of what came before (`crc`, 0 at first) and `bytes`, as an unsigned 32-bit number. */
export function crc32(bytes: Uint8Array, crc: number): number {
  let c = ~crc;
  const end = bytes.length;
  const whole = end - (end % 8);
  let i = 0;
  for (; i < whole; i += 8) {
    const a =
      c ^
      ((bytes[i] as number) |
        ((bytes[i + 1] as number) << 8) |
        ((bytes[i + 2] as number) << 16) |
        ((bytes[i + 3] as number) << 24));
    c =
      (T[1792 + (a & 0xff)] as number) ^
      (T[1536 + ((a >>> 8) & 0xff)] as number) ^
      (T[1280 + ((a >>> 16) & 0xff)] as number) ^
      (T[1024 + (a >>> 24)] as number) ^
      (T[768 + (bytes[i + 4] as number)] as number) ^
      (T[512 + (bytes[i + 5] as number)] as number) ^
      (T[256 + (bytes[i + 6] as number)] as number) ^
      (T[bytes[i + 7] as number] as number);
  }
  for (; i < end; i++) c = (c >>> 8) ^ (T[(c ^ (bytes[i] as number)) & 0xff] as number);
  return ~c >>> 0;
}
