// SPDX-License-Identifier: MIT
// The pictures of the manager and of the mounts: rules, log and sessions as the broker itself writes them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry } from '../../src/broker/audit.ts';
import { openBooks } from '../../src/cli/policy/desk.ts';
import type { Rule } from '../../src/policy/rule.ts';
import { ruleWords } from '../../src/policy/words.ts';
import type { Shot } from './shots.ts';

const DAY_MS = 86_400_000;
const now = Date.now();
let made = 0;

const rule = (source: string, target: string, folder: string, more: Partial<Rule> = {}): Rule => ({
  id: (0xc0ffee00 + made++).toString(16),
  effect: 'allow',
  source,
  target,
  folder,
  access: 'rw',
  lasts: 'always',
  origin: 'asked',
  made: now - made * DAY_MS,
  ...more,
});

const RULES: readonly Rule[] = [
  rule('work', 'vault', '/home/user/Documents', { access: 'ro' }),
  rule('work', 'vault', '/home/user/Documents/Private', { effect: 'deny' }),
  rule('work', 'build', '/srv/packages', { lasts: 'until', until: now + 8 * 3_600_000 }),
  rule('mail', 'work', '/home/user/Attachments', { access: 'ro' }),
  rule('mail', 'vault', '/home/user/Документы', { access: 'ro', origin: 'command' }),
  rule('untrusted', 'vault', '/', { effect: 'block' }),
];

/** Those that are mounted in the picture. */
const LIVE: readonly string[] = ['/home/user/Documents', '/srv/packages'];

async function prepare(home: string): Promise<void> {
  const dir = join(home, 'policy');
  const books = openBooks(() => {}, { dir, qubes: false });
  await books.store.change(() => ({ rules: RULES, result: undefined }));
  const tell = (entry: AuditEntry): void => books.audit.write(entry);
  for (const r of RULES.slice(0, 4)) {
    const { source, target, folder, access } = r;
    tell({ event: 'request', source, target, folder, access });
    tell({
      event: 'decision',
      source,
      target,
      folder,
      access,
      result: r.effect,
      rule: r.id,
      why: ruleWords(r),
    });
    if (r.effect === 'allow')
      tell({ event: 'connection', source, target, folder, access, rule: r.id, session: r.id });
  }
  tell({
    event: 'refused',
    source: 'untrusted',
    target: 'vault',
    folder: '/home/user/\u202egnp.exe',
    result: 'blocked',
  });
  for (const { id, source, target, folder, access, until } of RULES.filter((r) => LIVE.includes(r.folder)))
    books.sessions.add({
      id,
      source,
      target,
      folder,
      access,
      rule: id,
      once: false,
      since: now - 2_000_000,
      ...(until === undefined ? {} : { until }),
    });
  for (const { id, access } of RULES.filter((r) => LIVE.includes(r.folder)))
    books.sessions.tellTraffic(
      id,
      access === 'ro'
        ? { read: 48_200_000, written: 0, operations: 9000 }
        : { read: 2_700_000, written: 1_300_000, operations: 700 },
    );
  writeFileSync(
    join(home, 'broker.json'),
    JSON.stringify({
      self: 'work',
      machines: { vault: {}, build: {}, mail: {}, disp: { disposable: true } },
    }),
  );
  mkdirSync(join(home, 'config/ninefold'), { recursive: true });
  const mount = (name: string, source: string, login: boolean): object => ({
    name,
    source,
    mountpoint: `/home/user/${name}`,
    readOnly: !login,
    options: '',
    login,
  });
  const mounts = [
    mount('documents', 'vault:/home/user/Documents', true),
    mount('packages', 'build:/srv/packages', false),
  ];
  writeFileSync(
    join(home, 'config/ninefold/mounts.json'),
    JSON.stringify({ format: 'ninefold-mounts-1', mounts }),
  );
}

const MANAGER = {
  program: 'qvm-folder-share-manager',
  title: 'Folder share manager',
  prepare,
  env: { NINEFOLD_POLICY_DIR: '{home}/policy', NINEFOLD_BROKER_CONFIG: '{home}/broker.json' },
  waits: 'Revoke /home/user/Documents',
};

export const MANAGER_SHOTS: readonly Shot[] = [
  { ...MANAGER, name: 'manager-light' },
  { ...MANAGER, name: 'manager-dark', env: { ...MANAGER.env, ADW_DEBUG_COLOR_SCHEME: 'prefer-dark' } },
  { ...MANAGER, name: 'manager-200', env: { ...MANAGER.env, GDK_SCALE: '2' }, size: '1920x1320' },
  {
    ...MANAGER,
    name: 'manager-es',
    env: { ...MANAGER.env, LANGUAGE: 'es' },
    title: 'Gestor de carpetas compartidas',
    waits: 'Revocar /home/user/Documents',
  },
  { ...MANAGER, name: 'manager-sessions', args: ['sessions'], waits: 'End now: /srv/packages' },
  { ...MANAGER, name: 'manager-history', args: ['history'], waits: 'work → build:/srv/packages' },
  {
    ...MANAGER,
    name: 'manager-edit',
    shows: 'Change rule',
    act: (desktop, pid) => desktop.press(pid, 'push button', 'Edit /home/user/Documents'),
  },
  {
    name: 'mounts-light',
    program: 'ninefold',
    args: ['mounts', '--window'],
    title: 'Mounts of other machines',
    prepare,
  },
];
