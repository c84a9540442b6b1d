// SPDX-License-Identifier: MIT
import '../data-plane-flags.ts';
import { agentMain } from '../copy/agent.ts';

agentMain(process.argv.slice(2));
