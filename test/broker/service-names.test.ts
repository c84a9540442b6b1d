// SPDX-License-Identifier: MIT
// Under qrexec the name that a service is started by decides which it is; its first argument is the caller's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { program } from '../helpers/places.ts';
import { lines, script } from './qubes.ts';
import { answers, eventually, NODE, type World, world } from './world.ts';

const SERVICES = ['ninefold.FolderSession', 'ruddo.AuthorizeFolderAccess', 'ruddo.QueryFolderAuthorization'];

/** dom0 with the services as links, as they are installed. */
function admin(t: Parameters<typeof world>[0]): World {
  const w = world(t);
  mkdirSync(w.path('rpc'));
  for (const name of [...SERVICES, 'my.Service']) symlinkSync(program('ruddo'), w.path(`rpc/${name}`));
  script(w.path('qvm-ls'), `printf 'dom0|AdminVM\\nwork|AppVM\\nvault|AppVM\\n'`);
  Object.assign(w.env, {
    NINEFOLD_QVM_LS: w.path('qvm-ls'),
    NINEFOLD_ASK: answers(w.dir, { answer: 'allow' }),
    QREXEC_REMOTE_DOMAIN: 'work',
    QREXEC_REQUESTED_TARGET_TYPE: 'name',
    QREXEC_REQUESTED_TARGET: 'dom0',
  });
  return w;
}

/** What qrexec starts for `SERVICE+ARGUMENT`; descriptor 3 is a pipe. Resolves with the status, and all that came to the standard output and to 3. */
function called(
  w: World,
  service: string,
  argument: string,
  input: string,
): Promise<{ code: number | null; out: string; there: string }> {
  const env = { ...process.env, ...w.env, QREXEC_SERVICE_ARGUMENT: argument };
  const child = spawn(NODE, ['--no-warnings', w.path(`rpc/${service}`), argument], {
    env,
    stdio: ['pipe', 'pipe', 'ignore', 'pipe'],
  });
  let out = '';
  let there = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (out += part));
  child.stdio[3]?.on('data', (part: Buffer) => (there += part.toString('utf8')));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, there })));
}

test('the argument of a call chooses no other service, and is none of the program’s own options', async (t) => {
  const w = admin(t);
  for (const service of ['ninefold.FolderSession', 'ruddo.QueryFolderAuthorization'])
    for (const argument of [...SERVICES.filter((name) => name !== service), '--relay', '--call']) {
      const is = `${service}+${argument}`;
      const r = await called(w, service, argument, lines('/home/user'));
      assert.deepEqual([r.code, r.out, r.there], [22, '', ''], is);
    }
  assert.ok(!existsSync(w.path('question.json')), 'nobody was asked');
  // What needs no argument does not look at one.
  for (const argument of ['--relay', '--call', 'ruddo.QueryFolderAuthorization', 'x']) {
    const r = await called(w, 'ruddo.AuthorizeFolderAccess', argument, lines('/home/user'));
    assert.equal(r.code, 0, argument);
    assert.match(r.out, /^[0-9a-f]{32}$/);
    assert.equal(r.there, '', argument);
  }
  const other = await called(w, 'my.Service', 'ruddo.AuthorizeFolderAccess', lines('/home/user'));
  assert.deepEqual([other.code, other.out], [127, ''], 'a name that is no service');
});

test('as itself, the program takes the service from its first argument', async (t) => {
  const w = admin(t);
  const child = spawn(NODE, ['--no-warnings', program('ruddo'), 'ruddo.AuthorizeFolderAccess'], {
    env: { ...process.env, ...w.env },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.end(lines('/home/user'));
  let code: number | null | undefined;
  child.once('close', (status) => (code = status));
  await eventually('its end', () => code !== undefined);
  assert.equal(code, 0);
});
