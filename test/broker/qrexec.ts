// SPDX-License-Identifier: MIT
// The real qrexec on one machine, over sockets in the place of Xen's channels: its policy daemon, and for each of the qubes `work` and `vault` its daemon (in dom0) and its agent.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Running, start } from '../helpers/cli.ts';
import { program } from '../helpers/places.ts';
import { script } from './qubes.ts';
import { eventually, NODE, type World } from './world.ts';

/** The built sources of qrexec: the folder with `daemon/`, `agent/` and `qrexec/`. */
const BUILT = process.env.NINEFOLD_QREXEC_BUILT ?? '';
const PYTHON = process.env.NINEFOLD_QREXEC_PYTHON || '/usr/bin/python3';

export const noQrexec =
  BUILT === ''
    ? 'opt-in: NINEFOLD_QREXEC_BUILT is to name the built sources of qrexec (docs/ORIGINALS.md)'
    : process.getuid?.() === 0
      ? undefined
      : 'its agent starts services as root does, in sessions of their user';

export interface Qrexec {
  /** The program `qrexec-client-vm` of that qube. */
  clientOf(qube: string): string;
  /** Ends all of it; what its parts said is in the test's diagnostics. */
  end(): Promise<void>;
}

const QUBES = { work: 1, vault: 2 };
const uuid = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;

/** What qubesd tells the policy daemon, and its "yes" to starting a qube. */
function qubesd(path: string): Server {
  const entry = (n: number, type: string): object => ({
    tags: [],
    type,
    template_for_dispvms: false,
    default_dispvm: null,
    power_state: 'Running',
    icon: '',
    label: 'red',
    guivm: null,
    internal: false,
    relayvm: null,
    transport_rpc: null,
    uuid: uuid(n),
  });
  const domains = { dom0: entry(0, 'AdminVM'), work: entry(1, 'AppVM'), vault: entry(2, 'AppVM') };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let asked = '';
    socket.on('error', () => {});
    socket.on('data', (d) => (asked += String(d)));
    socket.on('end', () =>
      socket.end(asked.startsWith('internal.GetSystemInfo') ? `0\0${JSON.stringify({ domains })}` : '0\0'),
    );
  });
  return server.listen(path);
}

/** Starts it all; from then on `qvm-mount-folder` of this world is the one of `work`. The caller ends it. */
export async function qrexec(t: TestContext, w: World): Promise<Qrexec> {
  const run = w.path('slash-run');
  for (const dir of ['slash-run/qubes', 'vchan', 'pam.d']) mkdirSync(w.path(dir), { recursive: true });
  const permit = ['auth', 'account', 'session'].map((what) => `${what} required pam_permit.so\n`);
  writeFileSync(w.path('pam.d/qrexec'), permit.join(''));
  writeFileSync(w.path('group'), 'root:x:0:\nqubes:x:98:\n');
  const libraries = process.env.LD_LIBRARY_PATH ?? '';
  const channel = (n: number): Record<string, string> => ({
    VCHAN_DOMAIN: String(n),
    VCHAN_SOCKET_DIR: w.path('vchan'),
    ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }),
  });
  const clientOf = (qube: string): string => w.path(`bin/qrexec-client-vm.${qube}`);
  const exports = (env: Record<string, string>): string =>
    Object.entries(env)
      .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'\n`)
      .join('');
  for (const [qube, n] of Object.entries(QUBES))
    script(
      clientOf(qube),
      `${exports(channel(n))}exec ${BUILT}/agent/qrexec-client-vm --agent-socket=${w.path(`${qube}.sock`)} "$@"`,
    );
  w.env.NINEFOLD_QREXEC_CLIENT = clientOf('work');
  // A service of a qube begins with the environment of its session.
  const env = exports({ ...w.env, NINEFOLD_QREXEC_CLIENT: clientOf('vault') });
  script(
    w.path('rpc/vault/ruddo.ConnectToFolder'),
    `${env}exec ${NODE} ${program('ruddo')} ruddo.ConnectToFolder`,
  );
  const servers = ['qubesd.internal.sock', 'qubesd.sock'].map((name) => qubesd(join(run, name)));

  // Its sockets have fixed names below /run, and it wants a group and PAM's configuration.
  const places = ['--dev-bind', '/', '/', '--bind', run, '/run', '--ro-bind', w.path('pam.d'), '/etc/pam.d'];
  const sandbox = ['bwrap', ...places, '--ro-bind', w.path('group'), '/etc/group', '--cap-add', 'ALL'];
  const running: Running[] = [];
  const launch = (argv: readonly string[], more: Record<string, string>, ...flags: string[]): Running => {
    const how = { env: { ...w.env, ...more }, patience: 200_000 };
    const one = start([...sandbox, ...flags, '--die-with-parent', '--', ...argv], how);
    running.push(one);
    return one;
  };
  // Not a hook of the test: the world's own comes first, and finds these still running.
  const end = async (): Promise<void> => {
    for (const server of servers) server.close();
    for (const one of running) one.child.kill('SIGTERM');
    for (const one of running) t.diagnostic((await one.ended).stderr.slice(-1000));
  };
  launch(
    [
      ...[PYTHON, '-B', '-m', 'qrexec.tools.qrexec_policy_daemon', '--policy-path', w.path('policy.d')],
      ...['--eval-socket-path', '/run/qubes/eval.sock', '--gui-socket-path', '/run/qubes/gui.sock'],
    ],
    { PYTHONPATH: BUILT },
    // It changes its group, after which the kernel no longer ends it with its parent.
    '--unshare-pid',
  );
  for (const [qube, n] of Object.entries(QUBES)) {
    launch([`${BUILT}/agent/qrexec-agent`, '--no-fork-server', `--agent-socket=${w.path(`${qube}.sock`)}`], {
      ...channel(n),
      QREXEC_SERVICE_PATH: w.path(`rpc/${qube}`),
      QUBES_RPC_CONFIG_PATH: w.path('rpc-config'),
    });
    const options = [
      '--direct',
      '--socket-dir=/run/qubes',
      '--policy-program=/bin/false',
      `--uuid=${uuid(n)}`,
    ];
    launch([`${BUILT}/daemon/qrexec-daemon`, ...options, String(n), qube, 'root'], {
      ...channel(0),
      QREXEC_SERVICE_PATH: w.path('rpc/dom0'),
      QUBES_RPC_CONFIG_PATH: w.path('rpc-config'),
    });
  }
  try {
    for (const name of ['policy.sock', 'qrexec.1', 'qrexec.2'])
      await eventually(name, () => existsSync(join(run, 'qubes', name)));
  } catch (error) {
    await end();
    throw error;
  }
  return { clientOf, end };
}
