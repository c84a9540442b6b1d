// SPDX-License-Identifier: MIT
// What a hostile or broken sender can say: one stream a row, each ending with what a receiver must refuse.

import * as E from '../../src/base/errno.ts';
import { LEGAL_EOF } from '../../src/qfile/index.ts';
import { DIR, END, item, LNK, REG, rawLength } from './wire.ts';

const long = (n: number): string => `${'d/'.repeat(Math.ceil(n / 2))}`.slice(0, n - 1).concat('x');

/** [what, stream, error, last name (undefined: none is told), what is there afterwards]. */
export type Row = readonly [string, Buffer, number, string | undefined, (readonly string[])?];
export const ROWS: readonly Row[] = [
  ['nothing at all', Buffer.alloc(0), E.EREMOTEIO, ''],
  ['no end', item('a', REG, 'x'), E.EREMOTEIO, 'a', ['a']],
  ['cut in a header', Buffer.concat([item('a', REG, 'x'), END.subarray(0, 7)]), E.EREMOTEIO, 'a', ['a']],
  ['cut in a name', item('abcdef', REG).subarray(0, 35), LEGAL_EOF, undefined],
  ['cut in data', item('a', REG, 'x'.repeat(100)).subarray(0, 90), LEGAL_EOF, 'a'],
  [
    'cut in a target',
    Buffer.concat([item('d', DIR), item('d/l', LNK, 'abc').subarray(0, -1)]),
    LEGAL_EOF,
    'd/l',
    ['d'],
  ],
  ['a name of 16,384 bytes', item('n', REG, '', { namelen: 16_384 }), E.ENAMETOOLONG, undefined],
  ['a name of 2^32 - 1 bytes', item('n', REG, '', { namelen: 0xffff_ffff }), E.ENAMETOOLONG, undefined],
  ['a name of 16,383 bytes', item(long(16_382), REG), E.ENOENT, 'd'],
  ['a component of 256 bytes', item('n'.repeat(256), REG), E.ENAMETOOLONG, 'n'.repeat(256)],
  ['a length of 2^63', rawLength('a', REG, '0000000000000080'), E.EDQUOT, 'a'],
  ['a length of -1', rawLength('a', REG, 'ffffffffffffffff'), E.EDQUOT, 'a'],
  ['a length of 2^53', rawLength('a', REG, '0000000000002000'), E.EDQUOT, 'a'],
  [
    'a target of 16,384 bytes',
    Buffer.concat([item('d', DIR), item('d/l', LNK, 'x'.repeat(16_384))]),
    E.ENAMETOOLONG,
    'd/l',
    ['d'],
  ],
  [
    'a target of 2^64 - 1 bytes',
    Buffer.concat([item('d', DIR), rawLength('d/l', LNK, 'ffffffffffffffff')]),
    E.ENAMETOOLONG,
    'd/l',
    ['d'],
  ],
  ...['..', '.', '/', '/a', 'a/', 'a//b', '../outside/x', 'a/../b', './a', 'a/..'].flatMap((name): Row[] => [
    [`a file named ${name}`, item(name, REG, 'x'), E.EILSEQ, name],
    [`a folder named ${name}`, item(name, DIR), E.EILSEQ, name],
  ]),
  ['an empty name', item('', REG), E.EILSEQ, ''],
  ['a NUL inside', item('a\0b', REG), E.EILSEQ, 'a\0b'],
  ['a control character', item('a\x1b[31m', REG), E.EILSEQ, 'a\x1b[31m'],
  ['a newline', item('a\nb', DIR), E.EILSEQ, 'a\nb'],
  ['an override of direction', item('a\u202etxt.exe', REG), E.EILSEQ, 'a\u202etxt.exe'],
  ['an overlong slash', item(Buffer.from([0x61, 0xc0, 0xaf]), REG), E.EILSEQ, undefined],
  ['a lone continuation', item(Buffer.from([0x80]), REG), E.EILSEQ, undefined],
  ['a link at the top', item('l', LNK, 'x'), E.ENOLINK, 'x'],
  [
    'a link out',
    Buffer.concat([item('d', DIR), item('d/l', LNK, '../outside')]),
    E.ENOLINK,
    '../outside',
    ['d'],
  ],
  ['an absolute link', Buffer.concat([item('d', DIR), item('d/l', LNK, '/etc')]), E.ENOLINK, '/etc', ['d']],
  [
    'a link up and down again',
    Buffer.concat([item('d', DIR), item('d/l', LNK, 'x/../../y')]),
    E.ENOLINK,
    'x/../../y',
    ['d'],
  ],
  [
    'a link with a control character',
    Buffer.concat([item('d', DIR), item('d/l', LNK, 'a\x07')]),
    E.EILSEQ,
    'a\x07',
    ['d'],
  ],
  ['a file in a folder that never came', item('no/file', REG, 'x'), E.ENOENT, 'no'],
  ['a file below a file', Buffer.concat([item('f', REG), item('f/x', REG)]), E.ENOTDIR, 'f', ['f']],
  ['a file twice', Buffer.concat([item('f', REG, '1'), item('f', REG, '2')]), E.EEXIST, 'f', ['f']],
  ['a folder where a file is', Buffer.concat([item('f', REG), item('f', DIR)]), E.ENOTDIR, 'f', ['f']],
  [
    'a link where one is',
    Buffer.concat([item('d', DIR), item('d/l', LNK, 'a'), item('d/l', LNK, 'b')]),
    E.EEXIST,
    'd/l',
    ['d'],
  ],
  ...(
    [
      ['a character device', 0o20666],
      ['a block device', 0o60666],
      ['a FIFO', 0o10666],
      ['a socket', 0o140777],
      ['no type', 0o644],
    ] as const
  ).map(([what, mode]): Row => [what, item('dev', mode), E.EINVAL, 'dev']),
];

/** What is sent: behind what is refused something more, which is never looked at. */
export function streamOf([, stream, error]: Row): Buffer {
  const cut = error === E.EREMOTEIO || error === LEGAL_EOF;
  return cut ? stream : Buffer.concat([stream, item('after', REG, 'x'), END]);
}
