// SPDX-License-Identifier: MIT

import { EXIT, NinefoldError } from '../../base/error.ts';
import { decodeAgentCall, wordAsksTraffic } from '../../broker/agent-call.ts';
import { runService } from '../rpc/main.ts';
import { fileService } from './file-services.ts';

/** Does the call that a broker has written as one word; resolves with the service's status. Throws NinefoldError AGENT_CALL (exit 64). */
export async function oneCall(word: string): Promise<number> {
  const call = decodeAgentCall(word);
  if (!call.ok)
    throw new NinefoldError({
      code: 'AGENT_CALL',
      exit: EXIT.usage,
      what: 'cannot understand',
      on: '--call',
      why: call.why,
      remedy: 'leave it to the broker to write it; its version may be another',
    });
  const { service, source, given, user } = call.value;
  // A broker that gives no folder has asked about files.
  if (given === undefined) return fileService(service, source, user);
  const plus = service.indexOf('+');
  const name = plus < 0 ? service : service.slice(0, plus);
  const argument = plus < 0 ? undefined : service.slice(plus + 1);
  return runService(name, { source, argument, given, traffic: wordAsksTraffic(word) });
}
