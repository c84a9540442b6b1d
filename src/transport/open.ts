// SPDX-License-Identifier: MIT

import type { Channel } from './channel.ts';
import { connectSocket } from './connect.ts';
import { checkDescriptors } from './descriptor.ts';
import { formatSource, type Source } from './source.ts';
import { openSpawned } from './spawned.ts';
import { SSH_DEFAULTS, type SshOptions, sshArgv } from './ssh.ts';
import type { TransportSys } from './sys.ts';

export interface OpenOptions {
  /** How long to wait for a connection, in ms. ssh is not held to it: a person may be typing a password. */
  patienceMs: number;
  ssh: SshOptions;
  /** Gets what ssh or a command writes on stderr, as in `SpawnOptions`. */
  onStderr?: (text: string) => void;
}

export const OPEN_DEFAULTS: OpenOptions = { patienceMs: 10_000, ssh: SSH_DEFAULTS };

/** Opens a channel to a source. Throws what connect.ts, spawned.ts, ssh.ts and descriptor.ts throw: all NinefoldError. */
export async function openChannel(
  sys: TransportSys,
  source: Source,
  options: OpenOptions = OPEN_DEFAULTS,
): Promise<Channel> {
  const stderr = options.onStderr === undefined ? {} : { onStderr: options.onStderr };
  switch (source.kind) {
    case 'fd':
      checkDescriptors(source.readFd, source.writeFd);
      return plain(sys, source.readFd, source.writeFd);
    case 'exec':
      return openSpawned(sys, { argv: ['/bin/sh', '-c', source.command], ownSession: true, ...stderr });
    case 'ssh':
      return openSpawned(sys, { argv: sshArgv(source, options.ssh), ownSession: false, ...stderr });
    default: {
      const fd = await connectSocket(sys, source, options.patienceMs);
      return plain(sys, fd, fd);
    }
  }
}

function plain(sys: TransportSys, readFd: number, writeFd: number): Channel {
  let open = true;
  return {
    readFd,
    writeFd,
    lastWords: () => Promise.resolve(undefined),
    ended: () => Promise.resolve(undefined),
    close() {
      if (open) {
        open = false;
        sys.close(readFd);
        if (writeFd !== readFd) sys.close(writeFd);
      }
      return Promise.resolve();
    },
  };
}

export { formatSource };
