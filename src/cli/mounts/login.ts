// SPDX-License-Identifier: MIT

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from '../serve/launch.ts';
import { configHome, replace, type SavedMount } from './saved.ts';

/** The entry of desktops for what is to run at login; systemd's user manager heeds it too where no desktop does. */
export const autostartPath = (env: NodeJS.ProcessEnv = process.env): string =>
  join(configHome(env), 'autostart/org.ninefold.Mounts.desktop');

/**
 * Makes the entry there as long as a mount is to be mounted at login, and gone otherwise. One entry for all of them: questions come one after the other then, which the broker wants.
 * Throws NinefoldError MOUNTS_FILE (exit 78).
 */
export function followLogin(mounts: readonly SavedMount[], path = autostartPath()): void {
  if (!mounts.some((mount) => mount.login)) return rmSync(path, { force: true });
  const command = [process.execPath, programPath('ninefold'), 'mounts', 'login'];
  replace(
    path,
    `[Desktop Entry]
Type=Application
Name=Ninefold mounts
Comment=Mounts the folders of other machines that are saved for it
Exec=${command.map(execWord).join(' ')}
NoDisplay=true
`,
  );
}

/** As the desktop entry specification quotes: a string in which backslashes count, around a command line in which they count again. */
export function execWord(word: string): string {
  if (/^[A-Za-z0-9_./+:=@-]+$/.test(word)) return word;
  const quoted = `"${word.replace(/["`$\\]/g, '\\$&')}"`;
  return quoted.replaceAll('\\', '\\\\').replaceAll('%', '%%');
}
