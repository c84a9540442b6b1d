// SPDX-License-Identifier: MIT

import { readConfig } from '../../broker/config.ts';
import { qubesMachines } from '../../broker/qubes.ts';
import { brokerConfig } from '../broker/places.ts';
import { policyPaths } from './paths.ts';

/** Of Qubes, else of the configuration of the broker. Throws NinefoldError MACHINES_UNKNOWN (exit 69) or BROKER_CONFIG (78). */
export async function allMachines(): Promise<{ name: string; disposable: boolean }[]> {
  const program = process.env.NINEFOLD_QVM_LS;
  if (program || policyPaths().qubes) return qubesMachines(program || 'qvm-ls');
  const { self, machines } = readConfig(brokerConfig());
  return [
    { name: self, disposable: false },
    ...[...machines.values()].map(({ name, disposable }) => ({ name, disposable })),
  ];
}
