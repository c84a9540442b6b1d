// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { inChild, NOBODY, scratch, sys } from '../../test/helpers/linux.ts';
import { landlockVersion } from './landlock.ts';

const users = sys.geteuid() === 0 ? [undefined, NOBODY] : [undefined];

for (const as of users) {
  test(`a restricted thread reaches what the rules name and nothing else (${as ? 'ordinary user' : 'this user'})`, (t) => {
    if (landlockVersion() === 0) return t.skip('this kernel has no Landlock');
    const s = scratch(t);
    for (const dir of ['all', 'read', 'none']) {
      mkdirSync(s.path(dir), { mode: 0o777 });
      sys.chmodFd(s.open(dir, 0), 0o777);
      writeFileSync(s.path(`${dir}/f`), dir);
    }
    const seen = inChild(
      `import { fstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
       const { landlockRestrict, landlockVersion } = await import(modules + 'landlock.js');
       const dir = ${JSON.stringify(s.dir)};
       const rules = [
         { fd: openSync(dir + '/all', 'r'), access: 'all' },
         { fd: openSync(dir + '/read', 'r'), access: 'read' },
         { fd: openSync('/dev/null', 'r'), access: 'all' },
       ];
       const r = landlockRestrict(rules, (fd) => !fstatSync(fd).isDirectory());
       const attempt = (f) => { try { return f() ?? 'done'; } catch (e) { return e.code; } };
       const of = (name) => [
         attempt(() => readFileSync(dir + '/' + name + '/f', 'utf8')),
         attempt(() => readdirSync(dir + '/' + name).length),
         attempt(() => writeFileSync(dir + '/' + name + '/new', 'x')),
         attempt(() => mkdirSync(dir + '/' + name + '/d')),
       ];
       console.log(JSON.stringify({
         r, all: of('all'), read: of('read'), none: of('none'),
         above: attempt(() => readdirSync(dir)),
         out: attempt(() => renameSync(dir + '/all/f', dir + '/none/g')),
         nul: attempt(() => writeFileSync('/dev/null', 'x')),
       }));`,
      as === undefined ? {} : { as },
    );
    assert.deepEqual(seen, {
      r: 0,
      all: ['all', 1, 'done', 'done'],
      read: ['read', 1, 'EACCES', 'EACCES'],
      none: ['EACCES', 'EACCES', 'EACCES', 'EACCES'],
      above: 'EACCES',
      out: landlockVersion() >= 2 ? 'EACCES' : 'EXDEV',
      nul: 'done',
    });
  });
}

test('a rule about a descriptor that is not open is an error, not a wider gate', (t) => {
  if (landlockVersion() === 0) return t.skip('this kernel has no Landlock');
  const seen = inChild(
    `import { readdirSync } from 'node:fs';
     const { landlockRestrict } = await import(modules + 'landlock.js');
     const r = landlockRestrict([{ fd: 999, access: 'all' }], () => false);
     console.log(JSON.stringify([r, readdirSync('/').length > 0]));`,
  );
  assert.deepEqual(seen, [-9, true]);
});
