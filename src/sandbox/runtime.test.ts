// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { elfNames } from './elf.ts';
import { mappedFiles, nodeRuntime, programPackages, sharedBuiltins } from './runtime.ts';

test('the interpreter and the shared name are read out of ELF files; damage is no crash', (t) => {
  const names = elfNames(realpathSync(process.execPath));
  assert.match(names?.interpreter ?? '', /^\/.*ld.*\.so/);
  const libc = nodeRuntime().binds.find((b) => b.to.endsWith('/libc.so.6'));
  assert.ok(libc, 'libc.so.6 is among what Node needs');
  assert.equal(elfNames(libc.from)?.soname, 'libc.so.6');
  const dir = mkdtempSync(join(tmpdir(), 'ninefold-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'f');
  writeFileSync(file, 'no program');
  assert.equal(elfNames(file), undefined);
  const header = Buffer.alloc(4096, 0xff);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  // Table of program headers inside the file, all of it nonsense.
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(40, 56);
  writeFileSync(file, header);
  assert.deepEqual(elfNames(file), { interpreter: undefined, soname: undefined });
  // An interpreter (type 3) that is said to stand at 2^64 - 1.
  header.writeUInt32LE(3, 64);
  writeFileSync(file, header);
  assert.deepEqual(elfNames(file), { interpreter: '', soname: undefined });
  assert.equal(elfNames(join(dir, 'none')), undefined);
  truncateSync(file, 70);
  assert.deepEqual(elfNames(file), { interpreter: undefined, soname: undefined });
});

test('files of a process’s map: executable ones that are still there', () => {
  const node = process.execPath;
  const maps = [
    `00400000-00401000 r-xp 00000000 fe:00 12345                     ${node}`,
    `00400000-00401000 r--p 00000000 fe:00 12345                     /etc/hostname`,
    '7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /usr/lib/gone.so (deleted)',
    '7f0000000000-7f0000001000 r-xp 00000000 00:00 0  [vdso]',
    '7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 /nonexistent/x.so',
    'nonsense',
    '',
  ].join('\n');
  assert.deepEqual(mappedFiles(maps), [node]);
});

test('packages are found where a package manager may have put them', (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ninefold-')));
  t.after(() => rmSync(dir, { recursive: true }));
  const native = `@koromix/koffi-linux-${process.arch}`;
  const make = (path: string): void => {
    mkdirSync(join(dir, path), { recursive: true });
    writeFileSync(join(dir, path, 'package.json'), '{}');
  };
  const entry = join(dir, 'app/node_modules/ninefold/dist/bin/x.mjs');
  mkdirSync(join(dir, 'app/node_modules/ninefold/dist/bin'), { recursive: true });
  assert.deepEqual(programPackages(entry), {});
  // Linked into a store, the native package beside the other's real folder.
  make('store/koffi@3/node_modules/koffi');
  make(`store/koffi@3/node_modules/${native}`);
  symlinkSync(join(dir, 'store/koffi@3/node_modules/koffi'), join(dir, 'app/node_modules/koffi'));
  assert.deepEqual(programPackages(entry), {
    koffi: join(dir, 'store/koffi@3/node_modules/koffi'),
    [native]: join(dir, `store/koffi@3/node_modules/${native}`),
  });
});

test('parts of Node that a distribution keeps in files are among what it needs', (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ninefold-')));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, 'acorn.js'), '');
  symlinkSync('acorn.js', join(dir, 'link.js'));
  // As Debian's Node 20 has them, in `process.config`.
  const paths = sharedBuiltins([
    'NODE_OPENSSL_SYSTEM_CERT_PATH="/etc/ssl"',
    `NODE_SHARED_BUILTIN_ACORN_PATH="${join(dir, 'link.js')}"`,
    `NODE_SHARED_BUILTIN_CJS_MODULE_LEXER_DIST_LEXER_PATH=${join(dir, 'none.js')}`,
    7,
  ]);
  assert.deepEqual(paths, [join(dir, 'link.js'), join(dir, 'none.js')]);
  const { binds } = nodeRuntime(process.execPath, '', paths);
  assert.deepEqual(
    binds.filter(({ from }) => from.startsWith(dir)),
    [{ from: join(dir, 'acorn.js'), to: join(dir, 'link.js') }],
  );
});
