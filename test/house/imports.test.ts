// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { scratch, TOP } from '../helpers/places.ts';
import { checkHouse, importsOf } from './check.ts';
import { MAX_LINES } from './rules.ts';

const SPDX = '// SPDX-License-Identifier: MIT\n';

test('the house keeps its rules: arrows between rooms, SPDX, sizes, no paths of one machine, nothing unfinished', () => {
  assert.deepEqual(checkHouse(TOP), []);
});

/** [a file, its text, what must be said of it; undefined = nothing]. Each breach is put alone into a small tree. */
const FIXTURES: readonly (readonly [string, string, RegExp | undefined])[] = [
  ['src/p9/a.ts', "import { x } from '../base/x.ts';", undefined],
  ['src/p9/a.ts', "import type { X } from '../linux/x.ts';", /p9 may not import linux\//],
  ['src/p9-server/a.ts', "import { x } from '../linux/x.ts';", /p9-server may not import linux\//],
  ['src/p9-server/a.ts', "export { x } from '../mount/x.ts';", /may not import mount\//],
  ['src/mount/a.ts', "const x = await import('../p9/x.ts');", /mount may not import p9\//],
  ['src/mount/a.ts', "import {\n  x,\n} from '../cli/x.ts';", /a\.ts:4: nothing imports cli\//],
  ['src/mount/a.test.ts', "import { x } from '../linux/x.ts';", undefined],
  ['src/mount/a.test.ts', "import { x } from '../cli/x.ts';", /nothing imports cli\//],
  ['src/mount/a.test.ts', "import koffi from 'koffi';", /only linux\/ may import koffi/],
  ['test/a.ts', "import koffi from 'koffi';", /only linux\/ may import koffi/],
  ['bench/a.ts', "const koffi = require('koffi');", /only linux\/ may import koffi/],
  ['src/linux/a.ts', "import koffi from 'koffi';\nimport fs from 'node:fs';", undefined],
  ['src/cli/a.ts', "import koffi from 'koffi';", /only linux\/ may import koffi/],
  ['src/cli/a.ts', "import { x } from '../linux/x.ts';\nimport 'commander';", undefined],
  ['src/transport/a.ts', "import 'commander';", /may not import the package commander/],
  ['src/p9/a.ts', "import { Buffer } from 'node:buffer';", /p9\/ is pure/],
  ['src/base/a.ts', "import 'node:fs';", /base\/ is pure/],
  ['src/base/a.ts', "import type { X } from '../p9/x.ts';", /base may not import p9\//],
  ['src/base/a.ts', "// import 'node:fs';\nexport const s = \"from 'node:fs'\";", undefined],
  ['src/index.ts', "export * from './p9-server/x.ts';", undefined],
  ['src/index.ts', "import './cli/x.ts';", /nothing imports cli\//],
  ['src/p9/a.ts', "import '../index.ts';", /may not import the front/],
  ['src/p9/a.ts', "import '../../test/helpers/x.ts';", /outside src/],
  ['src/p9/a.ts', "import './b.test.ts';", /may not import the test/],
  ['src/ui/model/a.ts', "import { x } from '../../policy/x.ts';", undefined],
  ['src/ui/model/a.ts', "import { x } from '../app/x.ts';", /ui\/model may not import ui\/app\//],
  ['src/ui/model/a.ts', "import Gtk from 'gi://Gtk?version=4.0';", /may not import the package gi:/],
  ['src/ui/model/a.ts', "import 'node:fs';", /ui\/model\/ is pure/],
  ['src/ui/app/a.ts', "import Gtk from 'gi://Gtk?version=4.0';\nimport '../model/x.ts';", undefined],
  ['src/ui/app/a.ts', "import '../../broker/x.ts';", /ui\/app may not import broker\//],
  ['src/cli/a.ts', "import '../ui/programs/x.ts';", /nothing imports ui\/programs\//],
  ['src/index.ts', "import './ui/model/x.ts';", /the front may not import ui\/model\//],
  ['src/attic/a.ts', "import '../base/x.ts';", /attic is no room/],
  ['src/p9/a.ts', 'export {};\n'.repeat(MAX_LINES), /over 400 lines/],
  ['docs/a.md', `see /${'work'}/shared/x`, /a path of one machine/],
  ['README.md', `cd /${'tmp'}/x`, /a path of one machine/],
  ['src/p9/a.ts', `// ${'TO'}${'DO'} later`, /unfinished work/],
];

test('each rule can be broken, and is then named with file and line', async (t) => {
  for (const [file, text, said] of FIXTURES)
    await t.test(`${file}: ${text.slice(0, 60)}`, (t) => {
      const top = scratch(t, 'house');
      mkdirSync(join(top, dirname(file)), { recursive: true });
      writeFileSync(join(top, file), file.endsWith('.ts') ? SPDX + text : text);
      const found = checkHouse(top);
      if (said === undefined) assert.deepEqual(found, []);
      else {
        assert.equal(found.length, 1, found.join('\n'));
        assert.match(found[0] as string, said);
      }
    });
});

test('a source without SPDX is named; in a program it stands below the #! line', (t) => {
  const top = scratch(t, 'house');
  mkdirSync(join(top, 'src/p9'), { recursive: true });
  mkdirSync(join(top, 'bin'));
  writeFileSync(join(top, 'src/p9/a.ts'), 'export {};\n');
  writeFileSync(join(top, 'bin/good'), `#!/usr/bin/env node\n${SPDX}`);
  writeFileSync(join(top, 'bin/bad'), '#!/usr/bin/env node\n');
  assert.deepEqual(
    checkHouse(top).map((l) => l.split(':')[0]),
    ['src/p9/a.ts', 'bin/bad'],
  );
});

test('imports are found in every form', () => {
  const text = `import a from 'a';\nimport 'b';\nexport * from "c";\nconst d = import('d');\nlet e: import('e').E;\n/* from 'no' */`;
  assert.deepEqual(
    importsOf(text).map((i) => `${i.line}${i.from}`),
    ['1a', '2b', '3c', '4d', '5e'],
  );
});
