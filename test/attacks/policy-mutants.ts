// SPDX-License-Identifier: MIT

import type { Mutant } from './server-mutants.ts';

const GUARD = ['src/p9-server/guard'];
const RULES = ['src/policy/call-rules'];
const POLICY = ['broker/call-policy'];

/** Defences of the folders that are denied inside a mounted one. */
export const GUARD_MUTANTS: readonly Mutant[] = [
  {
    name: 'denied inside: known by its path alone',
    file: 'src/p9-server/guard.js',
    from: /if \(this\.#kept\.has\(id\)\)\s+return -EACCES;/,
    to: '',
    seenBy: GUARD,
  },
  {
    name: 'denied inside: the way there may lead to another folder',
    file: 'src/p9-server/guard.js',
    from: /!here\.has\(at\) \|\| here\.get\(at\) === id \? 0 : -EACCES/,
    to: '0',
    seenBy: GUARD,
  },
  {
    name: 'denied inside: what was not there at the start may come up',
    file: 'src/p9-server/guard.js',
    from: /this\.#put\(bytes\.toString\('latin1'\), at, on \? found : undefined\);/,
    to: "if (on) this.#put(bytes.toString('latin1'), at, found);",
    seenBy: GUARD,
  },
  {
    name: 'denied inside: a symbolic link on the way is a way',
    file: 'src/p9-server/guard.js',
    from: /found !== undefined && !last && this\.#stat\.isDir/,
    to: 'found !== undefined && !last',
    seenBy: GUARD,
  },
  {
    name: 'denied inside: the client may change what is on the way',
    file: 'src/p9-server/guard.js',
    from: /at === undefined \|\| here\.has\(at\) \? -EACCES : 0/,
    to: '0',
    seenBy: GUARD,
  },
  {
    name: 'denied inside: a way up may lead there',
    file: 'src/p9-server/handlers/walk.js',
    from: /if \(f\.guard === undefined\)/,
    to: 'if (f.guard === undefined || kind === NAME_DOTDOT)',
    seenBy: GUARD,
  },
  {
    name: 'denied inside: what is there is opened by creating it',
    file: 'src/p9-server/handlers/create.js',
    from: /r < 0 \|\| f\.guard === undefined \? r :/,
    to: 'true ? r :',
    seenBy: GUARD,
  },
];

/** Defences of the services under qrexec, and of what is kept between them: the log, the sessions, the questions of the terminal. */
export const SERVICE_MUTANTS: readonly Mutant[] = [
  {
    name: 'services: the argument of a call chooses the service',
    file: 'bin/ruddo.cjs',
    from: /return ITSELF\.test\(name\) \? void 0 : name;/,
    to: 'return void 0;',
    seenBy: ['broker/service-names'],
  },
  {
    name: 'terminal: what was typed before the question came answers it',
    file: 'bin/ninefold-ask-tty.cjs',
    from: /(?<=function forgetTyped\(fd\d*\) \{)/,
    to: ' return false;',
    seenBy: ['broker/ask-tty'],
  },
  {
    name: 'terminal: a question whose asker has gone takes the next line that is typed',
    file: 'bin/ninefold-ask-tty.cjs',
    from: /if \(\(look\(answerFd, 0\) & GONE\) !== 0\)/,
    to: 'if (false)',
    seenBy: ['broker/ask-tty'],
  },
  {
    name: 'log: what a rule decides is told each time',
    file: 'src/broker/desk.js',
    from: /return count > RULE_LINES \? \{ tell, count \} : \{ tell \};/,
    to: 'return { tell: true };',
    seenBy: ['broker/flood-log'],
  },
  {
    name: 'log: connections of one machine are counted as requests of another',
    file: 'src/broker/query.js',
    from: /desk\.gate\.count\(caller, 'claims', CLAIM_LINES\)/,
    to: "desk.gate.count(claim.target, 'turned-away', CLAIM_LINES)",
    seenBy: ['broker/flood-log'],
  },
  {
    name: 'asking: a machine may have the name of the lock of all questions',
    file: 'src/broker/gate.js',
    from: /const QUESTION_LOCK = '\.question\.lock';/,
    to: "const QUESTION_LOCK = 'question.lock';",
    seenBy: ['broker/flood-log'],
  },
  {
    name: 'log: it is begun anew as often as it was found too large',
    file: 'src/broker/audit.js',
    from: /if \(now === undefined \|\| now\.ino[^;]*;/,
    to: '',
    seenBy: ['broker/audit'],
  },
  {
    name: 'log: half a line on a full disk is written down',
    file: 'bin/ruddo.cjs',
    from: /if \(written === bytes\d*\.length\) return;/,
    to: 'return;',
    seenBy: ['broker/audit'],
  },
  {
    name: 'rules: a disposable is granted for good by command',
    file: 'bin/ninefold.cjs',
    from: /disposable && both\.includes\(name\)/,
    to: 'false',
    seenBy: ['broker/disposables'],
  },
  {
    name: 'rules: what was granted for good stands when the machine has become a disposable',
    file: 'src/policy/change.js',
    from: /!isLasting\(rule\) \|\| !\(/,
    to: 'true || !(',
    seenBy: ['broker/disposables'],
  },
  {
    name: 'rules: who connects without having asked is no disposable',
    file: 'src/broker/query.js',
    from: /match\(desk, standing\(rules, disposables\), claim, now\)/,
    to: 'match(desk, rules, claim, now)',
    seenBy: ['broker/disposables'],
  },
  {
    name: 'rules: two slashes are the folder of all',
    file: 'bin/ninefold.cjs',
    from: /text\d*\.replace\(\/\(\[\^\/\]\)\\\/\$\/, "\$1"\)/,
    to: 'text.slice(0, 1) + text.slice(1).replace(/\\/$/, "")',
    seenBy: ['broker/commands'],
  },
  {
    name: 'rules: an edit brings back what was taken away meanwhile',
    file: 'bin/ninefold.cjs',
    from: /isDeepStrictEqual\)\(formatRule\(now\), formatRule\(ifIs\)\)/,
    to: 'isDeepStrictEqual)(0, 0)',
    seenBy: ['broker/put'],
  },
  {
    name: 'rules: a session that begins during a revoke is not seen',
    file: 'src/cli/policy/rules.js',
    from: /\[\.\.\.before, \.\.\.books\.sessions\.list\(\)\.filter\(\(\{ id \}\) => !known\.has\(id\)\)\]/,
    to: 'before',
    seenBy: ['broker/revoke'],
  },
];

/** Defences of the rules about calls (files, opening, services). */
export const CALL_MUTANTS: readonly Mutant[] = [
  {
    name: 'calls: a later rule wins',
    file: 'src/policy/call-rules.js',
    from: /return rules\.find\(/,
    to: 'return rules.findLast(',
    seenBy: RULES,
  },
  {
    name: 'calls: a rule for one argument is for all',
    file: 'src/policy/call-rules.js',
    from: /\(rule\.argument === '\*' \|\| rule\.argument === call\.argument\)/,
    to: 'true',
    seenBy: RULES,
  },
  {
    name: 'calls: @anyvm is the administrator, too',
    file: 'src/policy/call-rules.js',
    from: /if \(isAdmin\(name\)\)\s+return [^;]*;/,
    to: '',
    seenBy: RULES,
  },
  {
    name: 'calls: a tag is every machine',
    file: 'src/policy/call-rules.js',
    from: /return found\.tags\.includes\(token\.slice\('@tag:'\.length\)\);/,
    to: 'return true;',
    seenBy: RULES,
  },
  {
    name: 'calls: a line that makes no sense is passed over',
    file: 'src/policy/call-rules.js',
    from: /if \(!item\.ok\)\s+return [^;]*;/,
    to: 'if (!item.ok) continue;',
    seenBy: RULES,
  },
  {
    name: 'calls: a word that is no parameter is passed over',
    file: 'src/policy/call-rules.js',
    from: /if \(!PARAMETERS\.includes\(name\)\)\s+return [^;]*;/,
    to: 'if (!PARAMETERS.includes(name)) continue;',
    seenBy: RULES,
  },
  {
    name: 'calls: a user of any characters',
    file: 'src/policy/call-rules.js',
    from: /return USER\.test\(value\);/,
    to: 'return true;',
    seenBy: RULES,
  },
  {
    name: 'calls: to allow a call that names no machine, none has to be named',
    file: 'src/policy/call-rules.js',
    from: /if \(action === 'allow' && target === '@default' && params\.target === undefined\)/,
    to: 'if (false)',
    seenBy: RULES,
  },
  {
    name: 'calls: a denial is no refusal',
    file: 'src/broker/call-policy.js',
    from: /if \(rule\.action === 'deny'\)\s+return [^;]*;/,
    to: '',
    seenBy: POLICY,
  },
  {
    name: 'calls: a machine that nobody knows is one',
    file: 'src/broker/call-policy.js',
    from: /const plain = known \? call : \{ \.\.\.call, target: '@default' \};/,
    to: 'const plain = call;',
    seenBy: POLICY,
  },
  {
    name: 'calls: a machine may call itself',
    file: 'src/broker/call-policy.js',
    from: /if \(target === call\.source\)/,
    to: 'if (false)',
    seenBy: POLICY,
  },
  {
    name: 'calls: a target that is no machine is handed on',
    file: 'src/broker/call-policy.js',
    from: /if \(target\.startsWith\('@'\) && target !== '@adminvm'\)/,
    to: 'if (false)',
    seenBy: POLICY,
  },
  {
    name: 'calls: the last file comes first',
    file: 'src/broker/call-policy.js',
    from: /Buffer\.compare\(Buffer\.from\(a\), Buffer\.from\(b\)\)/,
    to: 'Buffer.compare(Buffer.from(b), Buffer.from(a))',
    seenBy: POLICY,
  },
  {
    name: 'calls: a file that cannot be understood has no rules',
    file: 'src/broker/call-policy.js',
    from: /if \(!parsed\.ok\)\s+throw [^;]*;/,
    to: 'if (!parsed.ok) return [];',
    seenBy: POLICY,
  },
  {
    name: 'calls: a file with a name that is not read is passed over',
    file: 'src/broker/call-policy.js',
    from: /if \(odd !== undefined\)/,
    to: 'if (false)',
    seenBy: POLICY,
  },
  {
    name: 'calls: a file that includes itself is read for ever',
    file: 'src/broker/call-policy.js',
    from: /if \(depth > DEPTH_MAX\)/,
    to: 'if (false)',
    seenBy: POLICY,
  },
  {
    name: 'calls: a file of any size is read',
    file: 'src/broker/call-policy.js',
    from: /if \(statSync\(file\)\.size > SIZE_MAX\)/,
    to: 'if (false)',
    seenBy: POLICY,
  },
  {
    name: 'calls: what was read once is believed for ever',
    file: 'src/broker/call-policy.js',
    from: /if \(stamp === this\.#stamp\)/,
    to: "if (this.#stamp !== '')",
    seenBy: POLICY,
  },
  {
    name: 'calls: a change of what is included is not seen',
    file: 'src/broker/call-policy.js',
    from: /\[\.\.\.files, \.\.\.this\.#included\]/g,
    to: 'files',
    seenBy: POLICY,
  },
];
