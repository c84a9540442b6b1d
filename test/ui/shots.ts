// SPDX-License-Identifier: MIT
// Which pictures there are in docs/screenshots/.

import { type Question, questionOf } from '../../src/policy/asking.ts';
import type { Desktop } from './desktop.ts';
import { aboutFiles } from './dialog.ts';
import { MANAGER_SHOTS } from './manager-shots.ts';

export interface Shot {
  /** Of the file, without .png. */
  readonly name: string;
  /** In bin/. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the screen, in its pixels. */
  readonly size?: string;
  /** Of the window. */
  readonly title: string;
  /** Below the HOME of the desktop. */
  readonly files?: Readonly<Record<string, string>>;
  /** Makes what the program is to find; `home` is the HOME of the desktop, which `{home}` in `env` stands for too. */
  prepare?(home: string): Promise<void>;
  /** The name of a thing that must be there first. */
  readonly waits?: string;
  /** The title of the window of which the picture is, if `act` brings another. */
  readonly shows?: string;
  /** What is done before the picture is taken. */
  act?(desktop: Desktop, pid: number): Promise<void>;
}

const asked = (more: Partial<Question> = {}): string => {
  const folder = more.folder ?? '/home/user/Documents/Projects/2026';
  const request = { source: 'work', target: 'vault', folder, access: 'rw' as const, ...more };
  const how = { disposable: false, patience: 60, refusedMeanwhile: 0 };
  return JSON.stringify({ ...questionOf(request, how), ...more });
};
const before = (source: string, folder: string): Readonly<Record<string, string>> => ({
  'state/ninefold/asked.json': JSON.stringify({ version: 1, folders: [[source, folder]] }),
});

const ASK = { program: 'ninefold-ask', title: 'Folder access', input: asked() };

export const SHOTS: readonly Shot[] = [
  { ...ASK, name: 'ask-light', files: before('work', '/home/user/Documents/Projects/2025') },
  {
    ...ASK,
    name: 'ask-dark',
    env: { ADW_DEBUG_COLOR_SCHEME: 'prefer-dark' },
    files: before('work', '/home/user/Documents/Projects/2025'),
  },
  { ...ASK, name: 'ask-200', env: { GDK_SCALE: '2' }, size: '1920x1080' },
  { ...ASK, name: 'ask-es', env: { LANGUAGE: 'es' }, title: 'Acceso a una carpeta' },
  {
    ...ASK,
    name: 'ask-notes',
    input: asked({
      source: 'disp4711',
      folder: '/home/user/Документы/cafe\u0301',
      access: 'ro',
      lasts: ['once'],
      refusedMeanwhile: 12,
      waiting: 2,
    }),
  },
  {
    ...ASK,
    name: 'ask-long',
    input: asked({
      folder: `/home/user/${Array.from({ length: 15 }, (_, i) => `${'folder-in-a-folder-'.repeat(11)}${i}`).join('/')}`,
    }),
  },
  {
    ...ASK,
    name: 'ask-files',
    title: 'Files from another machine',
    input: JSON.stringify(aboutFiles('qubes.Filecopy')),
  },
  ...MANAGER_SHOTS,
];
