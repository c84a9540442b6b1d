// SPDX-License-Identifier: MIT
// Random sessions against the real server and a model of fids, open files and tags: what must be refused is refused with the right number, what must succeed
// succeeds, each request is answered once, and reads give what was written.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EBADF, EINVAL, EISDIR, ELOOP, ENXIO } from '../../src/base/errno.ts';
import { T } from '../../src/p9/messages.ts';
import { Arena } from '../attacks/arena.ts';
import { createRandom, type Random, seedOf } from '../helpers/random.ts';
import { CASES, spend } from './budget.ts';
import { FidModel, type Kind } from './fid-model.ts';

const FIDS = 12;
const BATCH = 30;
const SESSION = 10;
const NAMES: Readonly<Record<string, Kind>> = {
  file: 'file',
  dir: 'folder',
  'to-file': 'link',
  fifo: 'fifo',
  empty: 'folder',
};
const OPEN_FLAGS = [0, 1, 2];

test('random sessions against a model of fids and tags', async (t) => {
  const seed = seedOf();
  const arena = new Arena(t, { sandbox: 'none', args: [] });
  let cases = 0;
  let refused = 0;
  await spend(
    () => cases < CASES,
    async () => {
      const mine = (seed + cases) & 0x7fffffff;
      const random = createRandom(mine);
      arena.fill();
      writeFileSync(`${arena.share}/file`, 'in the share');
      const c = await arena.begin();
      const model = new FidModel(Buffer.from('in the share'));
      for (let round = 0; round < SESSION; round++) {
        const expected = Array.from({ length: BATCH }, (_, i) => one(model, random, i + 1));
        c.send(Buffer.concat(expected.map((e, i) => c.frame(e.type, e.fields, i + 1))));
        const seen = new Set<number>();
        for (let i = 0; i < BATCH; i++) {
          const r = await c.next();
          assert.ok(r !== undefined, `NINEFOLD_SEED=${mine}: the server closed: ${arena.served.stderr()}`);
          const e = expected[r.tag - 1];
          assert.ok(e !== undefined && !seen.has(r.tag), `NINEFOLD_SEED=${mine}: tag ${r.tag} twice`);
          seen.add(r.tag);
          const where = `NINEFOLD_SEED=${mine}, round ${round}, request ${r.tag} (type ${e.type}, ${JSON.stringify(e.fields)})`;
          if (e.errno !== undefined) assert.equal(r.errno, e.errno, where);
          if (r.errno !== 0) refused++;
          if (e.data !== undefined)
            assert.equal(Buffer.from(r.data).toString('latin1'), e.data.toString('latin1'), where);
        }
        cases += BATCH;
      }
    },
  );
  t.diagnostic(`${cases} cases, NINEFOLD_SEED=${seed}: ${refused} of them refused`);
  arena.fill();
  await arena.check();
  await arena.end();
});

interface Expected {
  type: number;
  fields: Record<string, unknown>;
  /** 0: must succeed; undefined: not foretold. */
  errno?: number;
  /** What a read must give. */
  data?: Buffer;
}

/** A request, what must come of it, and the model as it is afterwards. */
function one(model: FidModel, random: Random, tag: number): Expected {
  const fid = random(FIDS);
  const f = model.fids.get(fid);
  switch (random(9)) {
    case 0: {
      const newfid = 1 + random(FIDS - 1);
      const names = Object.keys(NAMES);
      const name = names[random(names.length)] as string;
      const fields = { fid: 0, newfid, names: [name] };
      if (model.fids.has(newfid)) return { type: T.walk, fields, errno: EBADF };
      model.fids.set(newfid, { kind: NAMES[name] as Kind, flags: undefined });
      return { type: T.walk, fields, errno: 0 };
    }
    case 1: {
      const newfid = 1 + random(FIDS - 1);
      const fields = { fid, newfid, names: [] };
      if (f === undefined) return { type: T.walk, fields, errno: EBADF };
      if (newfid === fid) return { type: T.walk, fields, errno: f.flags === undefined ? 0 : EINVAL };
      if (model.fids.has(newfid)) return { type: T.walk, fields, errno: EBADF };
      model.fids.set(newfid, { kind: f.kind, flags: undefined });
      return { type: T.walk, fields, errno: 0 };
    }
    case 2: {
      const flags = OPEN_FLAGS[random(OPEN_FLAGS.length)] as number;
      // The root stays unopened, so that it can be walked from.
      const mine = fid === 0 ? 1 : fid;
      const g = model.fids.get(mine);
      const fields = { fid: mine, flags };
      if (g === undefined) return { type: T.lopen, fields, errno: EBADF };
      if (g.flags !== undefined) return { type: T.lopen, fields, errno: EINVAL };
      if (g.kind === 'link') return { type: T.lopen, fields, errno: ELOOP };
      if (g.kind === 'fifo') return { type: T.lopen, fields, errno: ENXIO };
      if (g.kind === 'folder' && flags !== 0) return { type: T.lopen, fields, errno: EISDIR };
      g.flags = flags;
      return { type: T.lopen, fields, errno: 0 };
    }
    case 3:
    case 4: {
      const offset = random(model.content.length + 20);
      const count = random(60);
      const fields = { fid, offset, count };
      if (f === undefined || f.flags === undefined) return { type: T.read, fields, errno: EBADF };
      if (f.kind === 'folder') return { type: T.read, fields, errno: EISDIR };
      if (f.flags === 1) return { type: T.read, fields, errno: EBADF };
      return {
        type: T.read,
        fields,
        errno: 0,
        data: Buffer.from(model.content.subarray(offset, offset + count)),
      };
    }
    case 5: {
      const offset = random(model.content.length + 10);
      const data = Buffer.alloc(random(40), 0x61 + (tag % 26));
      const fields = { fid, offset, data };
      if (f === undefined || f.flags === undefined || f.flags === 0)
        return { type: T.write, fields, errno: EBADF };
      model.write(offset, data);
      return { type: T.write, fields, errno: 0 };
    }
    case 6: {
      const mine = fid === 0 ? 1 : fid;
      const there = model.fids.delete(mine);
      return { type: T.clunk, fields: { fid: mine }, errno: there ? 0 : EBADF };
    }
    case 7:
      return { type: T.getattr, fields: { fid, mask: 0x7ff }, errno: f === undefined ? EBADF : 0 };
    default: {
      // Its reply may come after that of a clunk of the same fid.
      const open = f?.flags !== undefined;
      return { type: T.fsync, fields: { fid, datasync: random(2) }, errno: open ? 0 : EBADF };
    }
  }
}
