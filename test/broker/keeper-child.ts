// SPDX-License-Identifier: MIT
// Keeps a session in the folder that is its argument, until it is ended.
import { Sessions } from '../../src/broker/sessions.ts';
import { openSys } from '../../src/linux/index.ts';

const place = { source: 'one', target: 'two', folder: '/x', access: 'rw' } as const;
new Sessions(process.argv[2] ?? '', openSys()).add({
  id: '0123abcd',
  ...place,
  rule: '01234567',
  once: true,
  since: Date.now(),
});
setInterval(() => {}, 1000);
