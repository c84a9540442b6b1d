// SPDX-License-Identifier: MIT

import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from '../../../src/base/sys.ts';
import { ALICE, BOB, type Cases, type Ctx, fails, TEAM } from '../case.ts';

const close = (fd: number): void => fs.closeSync(fd);

/** A file of Alice and her team with that mode. */
function hers(c: Ctx, mode: number, name = 'f'): string {
  c.need('root');
  const path = c.file(name, 'abc');
  fs.chownSync(path, ALICE, TEAM);
  fs.chmodSync(path, mode);
  return path;
}

/** Who may do what: permissions are checked for the user who asks. */
export const accessCases: Cases = {
  'the owner is judged by the first three bits, even where others may more': (c) => {
    const path = hers(c, 0o066);
    fails('EACCES', () => c.as(ALICE, ALICE, [TEAM], () => fs.openSync(path, O_RDONLY)));
    fails('EACCES', () => c.as(ALICE, ALICE, [TEAM], () => fs.openSync(path, O_WRONLY)));
    close(c.as(BOB, BOB, [], () => fs.openSync(path, O_RDWR)));
  },
  'a member of the group is judged by the middle three': (c) => {
    const path = hers(c, 0o604);
    fails('EACCES', () => c.as(BOB, TEAM, [], () => fs.openSync(path, O_RDONLY)));
    fails('EACCES', () => c.as(BOB, BOB, [TEAM], () => fs.openSync(path, O_RDONLY)));
    close(c.as(BOB, BOB, [], () => fs.openSync(path, O_RDONLY)));
  },
  'membership through a supplementary group counts': (c) => {
    const path = hers(c, 0o640);
    close(c.as(BOB, BOB, [1, 2, TEAM], () => fs.openSync(path, O_RDONLY)));
    fails('EACCES', () => c.as(BOB, BOB, [1, 2], () => fs.openSync(path, O_RDONLY)));
    fails('EACCES', () => c.as(BOB, BOB, [TEAM], () => fs.openSync(path, O_WRONLY)));
  },
  'others are judged by the last three': (c) => {
    for (const [mode, flags] of [
      [0o604, O_RDONLY],
      [0o602, O_WRONLY],
      [0o606, O_RDWR],
    ] as const) {
      const path = hers(c, mode, `f${mode}`);
      close(c.as(BOB, BOB, [], () => fs.openSync(path, flags)));
    }
    const path = hers(c, 0o770, 'none');
    for (const flags of [O_RDONLY, O_WRONLY, O_RDWR])
      fails('EACCES', () => c.as(BOB, BOB, [], () => fs.openSync(path, flags)));
  },
  'O_TRUNC needs the right to write': (c) => {
    const path = hers(c, 0o644);
    fails('EACCES', () => c.as(BOB, BOB, [], () => fs.openSync(path, O_RDONLY | O_TRUNC)));
    assert.equal(fs.statSync(path).size, 3);
  },
  'root may read and write what nobody may': (c) => {
    const path = hers(c, 0);
    close(fs.openSync(path, O_RDWR));
  },
  'a folder without x: names can be listed, nothing behind them is reached': (c) => {
    c.need('root');
    const dir = c.folder('d');
    c.file('d/f', 'abc', 0o666);
    fs.chmodSync(dir, 0o744);
    c.as(BOB, BOB, [], () => {
      assert.deepEqual(fs.readdirSync(dir), ['f']);
      fails('EACCES', () => fs.statSync(`${dir}/f`));
      fails('EACCES', () => fs.openSync(`${dir}/f`, O_RDONLY));
      fails('EACCES', () => fs.statSync(`${dir}/none`));
    });
  },
  'a folder without r: what is known by name is reached, listing is refused': (c) => {
    c.need('root');
    const dir = c.folder('d');
    c.file('d/f', 'abc', 0o666);
    fs.chmodSync(dir, 0o711);
    c.as(BOB, BOB, [], () => {
      assert.equal(fs.readFileSync(`${dir}/f`, 'utf8'), 'abc');
      fails('EACCES', () => fs.readdirSync(dir));
      fails('ENOENT', () => fs.statSync(`${dir}/none`));
    });
  },
  'a folder without w: nothing is made, removed or renamed': (c) => {
    c.need('root');
    const dir = c.folder('d', 0o755);
    c.file('d/f', 'abc', 0o666);
    c.as(BOB, BOB, [], () => {
      fails('EACCES', () => fs.openSync(`${dir}/new`, O_WRONLY | O_CREAT));
      fails('EACCES', () => fs.mkdirSync(`${dir}/new`));
      fails('EACCES', () => fs.symlinkSync('x', `${dir}/new`));
      fails('EACCES', () => c.k.mknod(`${dir}/new`, 0o010644));
      fails(['EACCES', 'EPERM'], () => fs.linkSync(`${dir}/f`, `${dir}/new`));
      fails('EACCES', () => fs.unlinkSync(`${dir}/f`));
      fails('EACCES', () => fs.renameSync(`${dir}/f`, `${dir}/g`));
      fs.writeFileSync(`${dir}/f`, 'changed');
    });
    assert.deepEqual(fs.readdirSync(dir), ['f']);
  },
  'a folder deep above that may not be searched bars the way': (c) => {
    c.need('root');
    c.folder('a');
    c.folder('a/b', 0o777);
    c.file('a/b/f', 'abc', 0o666);
    c.as(BOB, BOB, [], () => assert.equal(fs.readFileSync(c.at('a/b/f'), 'utf8'), 'abc'));
    fs.chmodSync(c.at('a'), 0o700);
    fails('EACCES', () => c.as(BOB, BOB, [], () => fs.readFileSync(c.at('a/b/f'))));
    fs.chmodSync(c.at('a'), 0o755);
    c.as(BOB, BOB, [], () => assert.equal(fs.readFileSync(c.at('a/b/f'), 'utf8'), 'abc'));
  },
  'a right that is taken away is gone for the next open, and given back is there': (c) => {
    const path = hers(c, 0o644);
    for (let i = 0; i < 5; i++) {
      close(c.as(BOB, BOB, [], () => fs.openSync(path, O_RDONLY)));
      fs.chmodSync(path, 0o600);
      fails('EACCES', () => c.as(BOB, BOB, [], () => fs.openSync(path, O_RDONLY)));
      fs.chmodSync(path, 0o644);
    }
  },
  'a descriptor keeps the rights it was opened with': (c) => {
    const path = hers(c, 0o666);
    const fd = c.as(BOB, BOB, [], () => fs.openSync(path, O_RDWR));
    fs.chmodSync(path, 0);
    c.as(BOB, BOB, [], () => {
      fs.writeSync(fd, 'X', 0);
      assert.equal(c.k.pread(fd, 3, 0).toString(), 'Xbc');
    });
    close(fd);
  },
  'access(2) answers for the real user': (c) => {
    c.need('root');
    const path = hers(c, 0o640);
    const code = `os.setgroups([${TEAM}]); os.setgid(${BOB}); os.setuid(${BOB})
say(os.access(args[0], os.R_OK), os.access(args[0], os.W_OK), os.access(args[0], os.X_OK), os.access(args[0], os.F_OK))`;
    assert.equal(c.python.run(code, path), 'True False False True');
  },
  'a program needs an x bit, for root too': (c) => {
    c.need('root');
    fs.copyFileSync('/bin/true', c.at('true'));
    fs.chmodSync(c.at('true'), 0o644);
    const code = `say(tried(lambda: subprocess.run([args[0]], check=True)))`;
    const start = 'import subprocess\n';
    assert.equal(c.python.run(start + code, c.at('true')), 'EACCES');
    fs.chmodSync(c.at('true'), 0o700);
    assert.equal(c.python.run(start + code, c.at('true')), 'ok');
    assert.equal(
      c.python.run(`${start}os.setgid(${BOB}); os.setuid(${BOB})\n${code}`, c.at('true')),
      'EACCES',
    );
  },
  'a plain user meets the same rules with their own files': (c) => {
    if (c.caps.root === true) return;
    const path = c.file('f', 'abc', 0o200);
    fails('EACCES', () => fs.openSync(path, O_RDONLY));
    fs.chmodSync(path, 0o400);
    fails('EACCES', () => fs.openSync(path, O_WRONLY));
    const dir = c.folder('d', 0o500);
    fails('EACCES', () => fs.mkdirSync(`${dir}/x`));
    fs.chmodSync(dir, 0o600);
    fails('EACCES', () => fs.statSync(`${dir}/x`));
  },
};
