// SPDX-License-Identifier: MIT
// A display, a window manager, a session bus and an accessibility bus for one test file, and nothing of the desktop that the tests may run on.

import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { OUT } from '../helpers/places.ts';

/** What must be there, and the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  gjs: 'gjs',
  Xvfb: 'xvfb',
  'dbus-daemon': 'dbus-daemon',
  openbox: 'openbox',
  xdotool: 'xdotool',
  import: 'imagemagick',
};
const TYPELIBS: Readonly<Record<string, string>> = {
  'Gtk-4.0': 'gir1.2-gtk-4.0',
  'Adw-1': 'gir1.2-adw-1',
  'Atspi-2.0': 'gir1.2-atspi-2.0',
};
const LAUNCHER = '/usr/libexec/at-spi-bus-launcher';

/** Why no window can be shown here, naming the packages; undefined when it can. */
export function cannotShow(): string | undefined {
  const has = (program: string): boolean =>
    (process.env.PATH ?? '').split(':').some((dir) => existsSync(join(dir, program)));
  const missing = Object.entries(PROGRAMS)
    .filter(([program]) => !has(program))
    .map(([, name]) => name);
  if (!existsSync(LAUNCHER)) missing.push('at-spi2-core');
  if (missing.length === 0)
    for (const [library, name] of Object.entries(TYPELIBS)) {
      const [namespace, version] = library.split('-');
      const check = `imports.gi.versions.${namespace}='${version}'; imports.gi.${namespace}`;
      if (spawnSync('gjs', ['-c', check], { stdio: 'ignore' }).status !== 0) missing.push(name);
    }
  return missing.length === 0 ? undefined : `needs the packages ${missing.join(', ')}`;
}

/** What a screen reader sees of one thing. */
export interface Seen {
  readonly path: readonly number[];
  readonly role: string;
  readonly name: string;
  readonly description: string;
  readonly states: readonly string[];
  readonly text?: string;
}

export class Desktop {
  /** For the programs to be shown; with a HOME of their own. */
  readonly env: Readonly<Record<string, string>>;
  readonly dir: string;
  readonly #started: ChildProcess[];
  readonly #startDriver: () => ChildProcess;
  #driver: ChildProcess;
  #answers: AsyncIterator<string>;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    dir: string,
    env: Record<string, string>,
    started: ChildProcess[],
    startDriver: () => ChildProcess,
  ) {
    this.dir = dir;
    this.env = env;
    this.#started = started;
    this.#startDriver = startDriver;
    this.#driver = startDriver();
    this.#answers = answersOf(this.#driver);
  }

  /** `size`: of the screen, in its pixels. Whoever starts one calls `end`. */
  static async start(size = '1280x800'): Promise<Desktop> {
    const dir = mkdtempSync(join(tmpdir(), 'ninefold-desktop-'));
    const started: ChildProcess[] = [];
    try {
      for (const name of ['run', 'home']) mkdirSync(join(dir, name), { mode: 0o700 });
      // No folder of services: nothing is started by the bus but what is named here.
      writeFileSync(
        join(dir, 'bus.conf'),
        `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=${dir}/run/bus</listen><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
`,
      );
      mkdirSync(join(dir, 'home/config/gtk-4.0'), { recursive: true });
      // The face of GNOME, which GTK learns from settings that a bare display does not have.
      writeFileSync(
        join(dir, 'home/config/gtk-4.0/settings.ini'),
        '[Settings]\ngtk-font-name=Cantarell 11\n',
      );
      const env: Record<string, string> = {
        HOME: join(dir, 'home'),
        XDG_RUNTIME_DIR: join(dir, 'run'),
        XDG_STATE_HOME: join(dir, 'home/state'),
        XDG_CONFIG_HOME: join(dir, 'home/config'),
        XDG_CACHE_HOME: join(dir, 'home/cache'),
        DBUS_SESSION_BUS_ADDRESS: `unix:path=${dir}/run/bus`,
        WAYLAND_DISPLAY: '',
        GSETTINGS_BACKEND: 'memory',
        GSK_RENDERER: 'cairo',
        GTK_A11Y: 'atspi',
        LC_ALL: 'C.UTF-8',
        LANGUAGE: '',
      };
      const up = (argv: readonly string[], stdio: ('ignore' | 'pipe')[]): ChildProcess => {
        const [program = '', ...args] = argv;
        const child = spawn(program, args, { stdio, env: { ...process.env, ...env }, detached: true });
        child.on('error', () => {});
        started.push(child);
        return child;
      };
      const screen = ['-screen', '0', `${size}x24`, '-nolisten', 'tcp', '-noreset'];
      const x = up(['Xvfb', '-displayfd', '1', ...screen], ['ignore', 'pipe', 'ignore']);
      env.DISPLAY = `:${(await firstLine(x, 'the display')).trim()}`;
      const bus = ['dbus-daemon', `--config-file=${dir}/bus.conf`, '--nofork', '--print-address=1'];
      await firstLine(up(bus, ['ignore', 'pipe', 'ignore']), 'the session bus');
      up([LAUNCHER, '--launch-immediately'], ['ignore', 'ignore', 'ignore']);
      up(['openbox', '--sm-disable'], ['ignore', 'ignore', 'ignore']);
      const driver = ['gjs', '-m', join(OUT, 'test/ui/gjs/driver.js')];
      const desktop = new Desktop(dir, env, started, () => up(driver, ['pipe', 'pipe', 'ignore']));
      // The first answer comes when the accessibility bus is there.
      await desktop.#ask({ do: 'tree', pid: 0 });
      return desktop;
    } catch (error) {
      await endAll(started, dir);
      throw error;
    }
  }

  /** Ends everything that was started, the last first. */
  async end(): Promise<void> {
    await endAll(this.#started, this.dir);
  }

  /** What the process `pid` shows; empty while there is nothing. */
  async tree(pid: number): Promise<readonly Seen[]> {
    const seen = await this.#ask({ do: 'tree', pid });
    return Array.isArray(seen) ? (seen as Seen[]) : [];
  }

  /** Waits up to 20 s for something that fits; the error tells what was there. */
  async find(pid: number, fits: (seen: Seen) => boolean, what: string): Promise<Seen> {
    let tree: readonly Seen[] = [];
    for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
      tree = await this.tree(pid);
      const found = tree.find(fits);
      if (found !== undefined) return found;
    }
    const lines = tree.map(
      (s) => `${'  '.repeat(s.path.length)}${s.role} "${s.name}" (${s.states.join(' ')})`,
    );
    throw new Error(`${what} did not come; there is:\n${lines.join('\n')}`);
  }

  /** By role and accessible name. GTK 4.8 tells "visible" of everything that is not hidden, "showing" of windows alone. */
  named(pid: number, role: string, name: string): Promise<Seen> {
    return this.find(
      pid,
      (s) => s.role === role && s.name === name && s.states.includes('visible'),
      `${role} "${name}"`,
    );
  }

  async press(pid: number, role: string, name: string): Promise<void> {
    const { path } = await this.named(pid, role, name);
    if ((await this.#ask({ do: 'press', pid, path })) !== true)
      throw new Error(`${role} "${name}" cannot be pressed`);
  }

  /** Gives it the focus as a person does, with Tab: GTK 4.8 has no other way for a screen reader. */
  async focus(pid: number, role: string, name: string): Promise<void> {
    const passed: string[] = [];
    for (let i = 0; i < 40; i++) {
      const at = (await this.tree(pid)).find((s) => s.states.includes('focused'));
      if (at?.role === role && at.name === name) return;
      passed.push(`${at?.role} "${at?.name}"`);
      this.xdotool('key', 'Tab');
      await sleep(50);
    }
    throw new Error(`Tab does not lead to ${role} "${name}", but to ${passed.join(', ')}`);
  }

  /** Runs xdotool; its output. */
  xdotool(...args: string[]): string {
    const r = this.#xdotool(args);
    if (r.status !== 0) throw new Error(`xdotool ${args.join(' ')}: ${r.stderr || r.error?.message}`);
    return r.stdout;
  }

  // `search --sync` is not used: it waits for ever for a window that does not come, and the test could not say what was there instead.
  #xdotool(args: readonly string[]): SpawnSyncReturns<string> {
    const env = { ...process.env, ...this.env };
    return spawnSync('xdotool', args, { encoding: 'utf8', env, timeout: 10_000, killSignal: 'SIGKILL' });
  }

  /**
   * The X window of that title, once it is on the screen and has the focus. With `raise` it is brought to the front, as a person does with a window that came behind another: the window manager
   * decides where one of its own accord comes.
   */
  async windowOf(title: string, raise = false): Promise<string> {
    for (const until = performance.now() + 20_000; performance.now() < until; await sleep(30)) {
      const r = this.#xdotool(['getactivewindow', 'getwindowname', 'getactivewindow']);
      const [name, id] = r.stdout.split('\n');
      if (r.status === 0 && name === title && id !== undefined) return id;
      if (raise) this.#xdotool(['search', '--onlyvisible', '--name', `^${title}$`, 'windowactivate']);
    }
    const visible = this.#xdotool(['search', '--onlyvisible', '--name', '.', 'getwindowname', '%@']).stdout;
    throw new Error(
      `no window "${title}" came to the front; there are ${visible.trim().split('\n').join(', ')}`,
    );
  }

  /** A picture of the whole screen, or of one X window. */
  screenshot(to: string, window = 'root'): void {
    const r = spawnSync('import', ['-window', window, '-strip', to], {
      encoding: 'utf8',
      env: { ...process.env, ...this.env },
    });
    if (r.status !== 0) throw new Error(`import: ${r.stderr}`);
  }

  #ask(command: object): Promise<unknown> {
    const next = this.#last.then(async () => {
      this.#driver.stdin?.write(`${JSON.stringify(command)}\n`);
      let line = await this.#answers.next();
      if (line.done === true) {
        // libatspi may crash when a list changes under its look. Looked at anew, once.
        this.#driver = this.#startDriver();
        this.#answers = answersOf(this.#driver);
        this.#driver.stdin?.write(`${JSON.stringify(command)}\n`);
        line = await this.#answers.next();
      }
      if (line.done === true) throw new Error('the driver has ended');
      return JSON.parse(line.value) as unknown;
    });
    this.#last = next.catch(() => {});
    return next;
  }
}

const answersOf = (driver: ChildProcess): AsyncIterator<string> => {
  if (driver.stdout === null) throw new Error('the driver has no output');
  // Or an end of it is an error of the test that wrote to it.
  driver.stdin?.on('error', () => {});
  return createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
};

async function firstLine(child: ChildProcess, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeoutReject(what, reject);
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (!text.includes('\n')) return;
      clearTimeout(timer);
      resolve(text);
    });
    child.once('close', (code) => reject(new Error(`${what} ended with ${code}`)));
  });
}

function setTimeoutReject(what: string, reject: (error: Error) => void): NodeJS.Timeout {
  return globalThis.setTimeout(() => reject(new Error(`${what} did not come within 20 s`)), 20_000);
}

async function endAll(started: readonly ChildProcess[], dir: string): Promise<void> {
  for (const child of [...started].reverse()) {
    if (child.pid === undefined) continue;
    const ended =
      child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve()
        : new Promise<void>((resolve) => child.once('close', () => resolve()));
    // Its group: the accessibility bus has a bus and a registry of its own.
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // ESRCH: all of it is gone.
        break;
      }
      await Promise.race([ended, sleep(2000)]);
    }
  }
  rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
}
