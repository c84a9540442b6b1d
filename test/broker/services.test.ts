// SPDX-License-Identifier: MIT
// The services as qrexec drives them: in processes of their own, with its variables, its policy files and its exit statuses; each side also as the original has it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EROFS } from '../../src/base/errno.ts';
import { connect } from '../../src/connect.ts';
import { openSys } from '../../src/linux/index.ts';
import { netSys } from '../../src/linux/net.ts';
import { encodeText } from '../../src/policy/base64.ts';
import { cannotMount } from '../helpers/cli.ts';
import { program } from '../helpers/places.ts';
import { call, client, lines, print, qubes, script } from './qubes.ts';
import { answers, eventually, NODE, type World } from './world.ts';

const reason = cannotMount();
const needsMount = reason === undefined ? {} : { skip: reason };

test('authorize and query, byte by byte as the original', async (t) => {
  const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', lasts: 'always' }));
  const yes = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(w.share));
  assert.deepEqual(yes, { code: 0, stdout: print(w.share), stderr: '' });
  assert.match(
    readFileSync(w.path('policy.d/79-qubes-shared-folders.policy'), 'utf8'),
    new RegExp(`^ruddo\\.ConnectToFolder \\+${print(w.share)} work vault allow$`, 'm'),
  );
  assert.equal(w.question().source, 'work');
  const q = `ruddo.QueryFolderAuthorization+${print(w.share)}`;
  const sub = join(w.share, 'sub');
  const asVault = { QREXEC_SELF: 'vault' };
  assert.deepEqual(await call(w, 'dom0', q, encodeText(sub), asVault), {
    code: 0,
    stdout: `${sub}\n`,
    stderr: '',
  });
  const other = await call(w, 'dom0', q, encodeText(sub));
  assert.deepEqual(other, { code: 13, stdout: '', stderr: 'Request refused\n' }, 'the source itself');
  const outside = await call(w, 'dom0', q, encodeText(w.dir), asVault);
  assert.equal(outside.code, 13);
  assert.equal((await call(w, 'dom0', 'ruddo.QueryFolderAuthorization', encodeText(sub), asVault)).code, 22);
  const bad = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', 'x');
  assert.deepEqual([bad.code, bad.stdout], [22, '']);
  assert.match(bad.stderr, /^error: /);
  // dom0 must have been meant.
  rmSync(w.path('rpc/vault'), { recursive: true });
  mkdirSync(w.path('rpc/vault'));
  script(
    w.path('rpc/vault/ruddo.AuthorizeFolderAccess'),
    `exec ${NODE} ${program('ruddo')} ruddo.AuthorizeFolderAccess`,
  );
  writeFileSync(w.path('policy.d/10-test.policy'), 'ruddo.AuthorizeFolderAccess * work vault allow\n');
  assert.equal((await call(w, 'vault', 'ruddo.AuthorizeFolderAccess', lines(w.share))).code, 22);
  const none = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(w.share), { QREXEC_SELF: 'odd' });
  assert.equal(none.code, 13, 'a disposable by its class: "always" is no answer');
});

test(
  'mounted, used, seen and revoked, all of this build; a one-time grant; read only',
  needsMount,
  async (t) => {
    const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', access: 'ro', lasts: 'always' }));
    const r = await w.run('qvm-mount-folder', ['vault', w.share, w.mnt]);
    assert.equal(r.code, 0, r.stderr);
    assert.match(r.stderr, /reading only was granted/);
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    assert.throws(() => writeFileSync(join(w.mnt, 'x'), ''), { code: 'EROFS' });
    const sessions = JSON.parse((await w.ninefold('sessions', '--json')).stdout) as Record<string, string>[];
    assert.deepEqual(
      sessions.map((s) => [s.source, s.target, s.folder, s.access]),
      [['work', 'vault', w.share, 'ro']],
    );
    assert.equal((await w.ninefold('policy', 'revoke', '--source', 'work')).code, 0);
    const ms = await eventually('the end of the mount', () => {
      try {
        readdirSync(w.mnt);
        return false;
      } catch {
        return true;
      }
    });
    t.diagnostic(`ended ${ms.toFixed(0)} ms after the command had`);
    await eventually('the end in the log', () => w.log().some((l) => l.event === 'end'));
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    assert.doesNotMatch(readFileSync(w.path('policy.d/79-qubes-shared-folders.policy'), 'utf8'), /^ruddo/m);
  },
);

test('the client goes: the session is over, in the log too', needsMount, async (t) => {
  const w = qubes(t, (w) => answers(w.dir, { answer: 'allow' }));
  const r = await w.ninefold('mount', `vault:${w.share}`, w.mnt);
  assert.equal(r.code, 0, r.stderr);
  assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
  await eventually('the end', () => w.log().at(-1)?.why === 'the target closed it');
  assert.match((await w.ninefold('policy', 'list')).stdout, /^There are no rules/);
});

/** What a client of the original does: asks, connects, sends the folder, reads `ok`, attaches by the folder's path. */
async function originalClient(w: World): Promise<{ fd: number; ended: Promise<number> }> {
  const got = await call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(w.share));
  assert.equal(got.code, 0, got.stderr);
  assert.match(got.stdout, /^[0-9a-f]{32}$/);
  const pair = netSys.socketPair();
  assert.ok(typeof pair !== 'number');
  const child = spawn(NODE, [client, 'vault', `ruddo.ConnectToFolder+${got.stdout}`], {
    env: { ...process.env, ...w.env },
    stdio: [pair[1], pair[1], 'inherit'],
  });
  const ended = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? -1)));
  await new Promise((resolve) => child.once('spawn', resolve));
  const sys = openSys();
  sys.close(pair[1]);
  const mem = sys.alloc(8192);
  sys.write(pair[0], mem, 0, mem.cstring(`${encodeText(w.share)}\n`));
  await eventually('an answer', () => {
    const poll = sys.alloc(8);
    poll.dv.setInt32(0, pair[0], true);
    poll.dv.setUint32(4, 1, true);
    return sys.poll(poll, 1, 0) > 0;
  });
  assert.equal(sys.read(pair[0], mem, 0, 3), 3, 'it refused');
  assert.equal(Buffer.from(mem.u8.subarray(0, 3)).toString(), 'ok\n');
  return { fd: pair[0], ended };
}

test('a client of the original: served, and read only where that was granted', async (t) => {
  const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', access: 'ro', lasts: 'always' }));
  const { fd, ended } = await originalClient(w);
  const files = await connect({ readFd: fd, writeFd: fd }, { aname: w.share });
  assert.equal(Buffer.from(await files.readFile('/hello')).toString(), 'world');
  await assert.rejects(files.writeFile('/x', Buffer.from('x')), { errno: EROFS });
  await files.close();
  assert.equal(await ended, 0);
});

/** The original's service in the qube that has the folder, and its server in the place of qfsd. */
const ORIGINAL_CONNECT = `read -n 6000 line
answer=$(echo "$line" | "$NINEFOLD_QREXEC_CLIENT" dom0 "ruddo.QueryFolderAuthorization+$QREXEC_SERVICE_ARGUMENT") || { echo "Request refused" >&2; exit 126; }
[ -n "$answer" ] || exit 126
[ -d "$answer" ] || exit 2
echo ok
exec ${NODE} ${program('qfsd')} 0 1 "$answer"`;

test('a client and a server of the original around our qfsd: it knows the folder by the path that it was started with', async (t) => {
  const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', lasts: 'always' }));
  script(w.path('rpc/vault/ruddo.ConnectToFolder'), ORIGINAL_CONNECT);
  const { fd, ended } = await originalClient(w);
  const files = await connect({ readFd: fd, writeFd: fd }, { aname: w.share });
  assert.equal(Buffer.from(await files.readFile('/hello')).toString(), 'world');
  await files.close();
  assert.equal(await ended, 0);
});

test(
  'a server of the original: a full grant is served; one to read only is refused, because it could not keep it',
  needsMount,
  async (t) => {
    const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', lasts: 'always' }));
    script(w.path('rpc/vault/ruddo.ConnectToFolder'), ORIGINAL_CONNECT);
    const r = await w.ninefold('mount', `vault:${w.share}`, w.mnt);
    assert.equal(r.code, 0, r.stderr);
    writeFileSync(join(w.mnt, 'made'), 'x');
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    // Reading is all that is asked for, under a grant for both: the mount is read only by this side's own will.
    const reading = await w.ninefold('mount', `vault:${w.share}`, w.mnt, '--read-only');
    assert.equal(reading.code, 0, reading.stderr);
    assert.throws(() => writeFileSync(join(w.mnt, 'no'), ''), { code: 'EROFS' });
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
    await w.ninefold('policy', 'revoke', '--all');
    w.env.NINEFOLD_ASK = answers(w.dir, { answer: 'allow', access: 'ro', lasts: 'always' });
    const refused = await w.ninefold('mount', `vault:${w.share}`, w.mnt);
    assert.equal(refused.code, 126, refused.stderr);
    assert.match(refused.stderr, /too old for that/);
  },
);

/** dom0 as the original has it, without the questions: every request is granted, and the third line of a request left unread. */
const ORIGINAL_AUTHORIZE = `read -r target; read -r folder
fp=$( { printf '%s\\0' "$QREXEC_REMOTE_DOMAIN" "$(echo "$target" | base64 -d)" "$(echo "$folder" | base64 -d)"; } | sha256sum | cut -c1-32)
echo "ruddo.ConnectToFolder +$fp $QREXEC_REMOTE_DOMAIN $(echo "$target" | base64 -d) allow" >> "$QREXEC_WORLD/policy.d/79-qubes-shared-folders.policy"
echo "$(echo "$folder" | base64 -d)" > "$QREXEC_WORLD/granted"
printf '%s' "$fp"`;
const ORIGINAL_QUERY = `folder=$(base64 -d); [[ "$folder" == "$(cat "$QREXEC_WORLD/granted")"* ]] || { echo "Request refused" >&2; exit 13; }
echo "$folder"`;

for (const [what, without] of [
  ['its policy does not have it', 'policy'],
  ['its services do not have it', 'service'],
] as const)
  test(`a dom0 of the original, the new call falls back: ${what}`, needsMount, async (t) => {
    const w = qubes(t, () => '');
    script(w.path('rpc/dom0/ruddo.AuthorizeFolderAccess'), ORIGINAL_AUTHORIZE);
    script(w.path('rpc/dom0/ruddo.QueryFolderAuthorization'), ORIGINAL_QUERY);
    rmSync(w.path('rpc/dom0/ninefold.FolderSession'));
    if (without === 'policy') {
      const path = w.path('policy.d/80-qubes-shared-folders.policy');
      writeFileSync(path, readFileSync(path, 'utf8').replace(/^ninefold.*\n/gm, ''));
    }
    const r = await w.ninefold('mount', `vault:${w.share}`, w.mnt, '--read-only');
    assert.equal(r.code, 0, r.stderr);
    assert.equal(readFileSync(join(w.mnt, 'hello'), 'utf8'), 'world');
    assert.throws(() => writeFileSync(join(w.mnt, 'no'), ''), { code: 'EROFS' });
    assert.equal((await w.ninefold('unmount', w.mnt)).code, 0);
  });

test('refusals through qrexec: 2, 125, 126, 127', needsMount, async (t) => {
  const w = qubes(t, (w) => answers(w.dir, { answer: 'allow', lasts: 'always' }));
  assert.equal((await w.ninefold('mount', `vault:${w.dir}/none`, w.mnt)).code, 2);
  script(w.path('rpc/vault/ruddo.ConnectToFolder'), 'exit 125');
  assert.equal((await w.ninefold('mount', `vault:${w.share}`, w.mnt)).code, 125);
  script(w.path('rpc/vault/ruddo.ConnectToFolder'), 'echo no; exec sleep 1');
  assert.equal((await w.ninefold('mount', `vault:${w.share}`, w.mnt)).code, 69);
  rmSync(w.path('rpc/vault/ruddo.ConnectToFolder'));
  assert.equal((await w.ninefold('mount', `vault:${w.share}`, w.mnt)).code, 127);
  writeFileSync(w.path('policy.d/10-no.policy'), 'ruddo.ConnectToFolder * @anyvm @anyvm deny\n');
  assert.equal((await w.ninefold('mount', `vault:${w.share}`, w.mnt)).code, 126);
  rmSync(w.path('bin/qrexec-client-vm'));
  assert.equal((await w.ninefold('mount', `vault:${w.share}`, w.mnt)).code, 71);
});

test('a flood of processes: one question at most', async (t) => {
  const w = qubes(t, (w) => `echo x >> ${w.dir}/asked; sleep 1; ${answers(w.dir, { answer: 'deny' })}`);
  const all = await Promise.all(
    Array.from({ length: 12 }, (_, i) => call(w, 'dom0', 'ruddo.AuthorizeFolderAccess', lines(`/f${i}`))),
  );
  assert.ok(all.every((r) => r.code === 13));
  assert.equal(readFileSync(w.path('asked'), 'utf8'), 'x\n');
});
