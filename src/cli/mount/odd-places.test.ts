// SPDX-License-Identifier: MIT
// Working folders that are far from the mount's, dead, or gone; and a register that is full.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountsBelow, ninefold, nodeProgram, type Ran, run, start } from '../../../test/helpers/cli.ts';
import { type Ground, mountShare, needsMount, sides, withGround } from '../../../test/scale/ground.ts';

const QFSD = nodeProgram('qfsd', '0', '1').join(' ');

/** Runs a shell in `cwd` with `"$@"` standing for `ninefold`. */
const inside = (g: Ground, script: string): Promise<Ran> =>
  run(['/bin/sh', '-c', script, 'sh', ...nodeProgram('ninefold')], { cwd: g.dir, env: g.env });

test(
  'a command of the background runs where it was typed, and the mount keeps that folder free',
  needsMount,
  () =>
    withGround('odd', tmpdir(), async (g) => {
      writeFileSync(join(g.share, 'hello'), 'world');
      writeFileSync(join(g.dir, 'tool'), `#!/bin/sh\nexec ${QFSD} "$1" --sandbox none\n`, { mode: 0o755 });
      const r = await ninefold(['mount', 'exec:./tool share', 'mnt'], { env: g.env, cwd: g.dir });
      assert.deepEqual([r.code, r.stderr], [0, '']);
      const { mount } = await sides(g);
      assert.equal(readlinkSync(`/proc/${mount}/cwd`), '/');
      assert.equal((await run(['/bin/cat', join(g.mnt, 'hello')])).stdout, 'world');
      assert.equal((await ninefold(['unmount', 'mnt'], { env: g.env, cwd: g.dir })).code, 0);
    }),
);

test('a relative path of a socket, and of the register', needsMount, () =>
  withGround('odd', tmpdir(), async (g) => {
    writeFileSync(join(g.share, 'hello'), 'world');
    const how = { env: { NINEFOLD_RUNTIME_DIR: 'run' }, cwd: g.dir };
    const server = start(
      nodeProgram('ninefold', 'serve', 'share', '--listen', 'unix:sock', '--sandbox', 'none'),
      how,
    );
    for (let i = 0; i < 1000 && !existsSync(join(g.dir, 'sock')); i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const r = await ninefold(['mount', 'unix:sock', 'mnt'], how);
    assert.deepEqual([r.code, r.stderr], [0, '']);
    assert.equal((await run(['/bin/cat', join(g.mnt, 'hello')])).stdout, 'world');
    const { stdout } = await ninefold(['list', '--json'], how);
    assert.match(stdout, new RegExp(`"source": "unix:${g.dir}/sock"`));
    assert.equal((await ninefold(['unmount', 'mnt'], how)).code, 0);
    server.child.kill();
    await server.ended;
  }),
);

test('what is saved can be mounted from anywhere', () =>
  withGround('odd', tmpdir(), async (g) => {
    const how = { env: { ...g.env, XDG_CONFIG_HOME: join(g.dir, 'config') }, cwd: g.dir };
    for (const [source, name] of [
      ['unix:run/sock', 'one'],
      ['hybrid-vsock:run/sock:5640', 'two'],
    ] as const)
      assert.equal((await ninefold(['mounts', 'add', source, name], how)).code, 0);
    const saved = readFileSync(join(g.dir, 'config/ninefold/mounts.json'), 'utf8');
    assert.match(saved, new RegExp(`"unix:${g.dir}/run/sock"`));
    assert.match(saved, new RegExp(`"hybrid-vsock:${g.dir}/run/sock:5640"`));
  }));

for (const inodes of [1, 2])
  test(
    `a register with room for ${inodes - 1} files: told in one line, and nothing stays mounted`,
    needsMount,
    () =>
      withGround('odd', tmpdir(), async (g) => {
        const register = join(g.dir, 'run');
        mkdirSync(register, { mode: 0o700 });
        await run(['mount', '-t', 'tmpfs', '-o', `nr_inodes=${inodes},mode=700`, 'none', register]);
        try {
          for (const more of [[], ['--foreground']]) {
            const r = await ninefold(['mount', `exec:${QFSD} ${g.share} --sandbox none`, g.mnt, ...more], {
              env: g.env,
            });
            assert.match(
              r.stderr,
              /^ninefold mount: cannot keep the list of mounts in \/.*\/run: no space left \(ENOSPC\); make room there[^\n]*\n$/,
            );
            assert.equal(r.code, 78);
            assert.ok(!mountsBelow(g.dir).some((line) => line.includes('fuse')));
          }
        } finally {
          await run(['umount', register]);
        }
      }),
  );

test(
  'from inside a dead mount it can be unmounted; then there is no working folder any more',
  needsMount,
  () =>
    withGround('odd', tmpdir(), async (g) => {
      await mountShare(g, { program: 'qfsd' });
      const { mount } = await sides(g);
      const r = await inside(
        g,
        `cd mnt && kill -KILL ${mount} && "$@" unmount . && "$@" list >&2 && "$@" unmount .; echo $?`,
      );
      const lines = r.stderr.trimEnd().split('\n');
      const [note, last] = [lines[0], lines.at(-1)];
      assert.match(note ?? '', /^ninefold unmount: note: .*mnt was dead and in use; it is detached/);
      assert.match(
        last ?? '',
        /^ninefold: cannot find \.: the working folder is gone: [^;]*; go to another folder/,
      );
      assert.equal(r.stdout, '66\n');
      assert.deepEqual(mountsBelow(g.dir), []);
    }),
);

test('from a folder that is gone', needsMount, () =>
  withGround('odd', tmpdir(), async (g) => {
    const server = `exec:${QFSD} ${g.share} --sandbox none`;
    const r = await inside(
      g,
      `mkdir gone && cd gone && rmdir ../gone && "$@" mount '${server}' ${g.mnt} && "$@" unmount ${g.mnt}; echo $?; "$@" unmount x; echo $?`,
    );
    assert.match(r.stdout, /is mounted on .*\n0\n66\n$/);
    assert.match(
      r.stderr,
      /ninefold: cannot find x: the working folder is gone: no such file or folder \(ENOENT\); go to another folder \(cd\), or write a path that begins with "\/"\n$/,
    );
  }),
);
