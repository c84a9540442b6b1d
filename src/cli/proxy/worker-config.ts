// SPDX-License-Identifier: MIT

/** All that the confined helper is told: one JSON argument. */
export interface ProxyWorkerConfig {
  /** The connection to QEMU. */
  readonly socketFd: number;
  /** The export: a descriptor that was handed over, or its path inside the sandbox. */
  readonly root: { readonly fd: number } | { readonly path: string };
  /** The root is that of a sealed tree. */
  readonly sealed: boolean;
  /** There is no sandbox around it: the export becomes its root folder, as the original does it. */
  readonly chroot: boolean;
  readonly readOnly: boolean;
  readonly devices: boolean;
  /** As in `proxyLog`. */
  readonly syslogFd?: number;
  readonly pid: number;
  /** A pipe whose other end the sandbox's own process holds: the helper ends with it. */
  readonly aliveFd?: number;
}
