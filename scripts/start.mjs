// SPDX-License-Identifier: MIT
// The whole way in one go, on one machine: a broker, a machine "box" in namespaces of its own, a request for a folder of it, the question, the mount, its use and
// how fast that was, a machine "guest" in other namespaces that asks to read the same, the revocation, the log. Rules and log are temporary.
//
//   npm start                              this repository's folder, on a temporary mount point
//   npm start -- FOLDER MOUNTPOINT         your own
//   npm start -- --answer yes|no           the question is answered so (also NINEFOLD_ANSWER); without a terminal it is yes
//
// On a terminal it stays mounted until Ctrl-C; otherwise it cleans up and exits 0.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(top, process.env.NINEFOLD_OUT ?? 'dist', 'bin/ninefold.cjs');
/** What is enough to see a speed: nobody wants to wait for a whole home folder. */
const LOOK_MS = 5000;
const READ_BYTES = 512 * 1024 * 1024;
const WRITE_BYTES = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

const { values, positionals } = arguments_();
const [folder = top, givenMountpoint, ...more] = positionals;
const terminal = process.stdin.isTTY && process.stdout.isTTY;
const answer = values.answer ?? process.env.NINEFOLD_ANSWER ?? (terminal ? undefined : 'yes');
if (![undefined, 'yes', 'no'].includes(answer)) fail(64, 'the answer is yes or no');
if (more.length > 0) fail(64, 'it takes a folder and a mount point: npm start -- FOLDER MOUNTPOINT');
if (process.platform !== 'linux') fail(71, 'it runs on Linux only: /dev/fuse is a part of that kernel');
if (!existsSync(program)) build();

const temporary = await mkdtemp(join(tmpdir(), 'ninefold-'));
const socket = join(temporary, 'broker.sock');
const guestSocket = join(temporary, 'guest.sock');
const source = `box:${await realpath(folder).catch(() => resolve(folder))}`;
const env = {
  ...process.env,
  NINEFOLD_BROKER: socket,
  NINEFOLD_BROKER_CONFIG: join(temporary, 'broker.json'),
  NINEFOLD_POLICY_DIR: join(temporary, 'policy'),
};
delete env.NINEFOLD_QREXEC_CLIENT;
const mountpoint = resolve(givenMountpoint ?? join(temporary, 'mount'));
if (givenMountpoint === undefined) await mkdir(mountpoint);

let server;
let mounted = false;
let ending = false;
// On a terminal Ctrl-C is the ordinary way to end this.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 143],
])
  process.on(signal, () => end(staying && signal === 'SIGINT' ? 0 : code));
let staying = false;

try {
  await serve();
  await mount();
  await use();
  await guest();
  if (terminal) {
    staying = true;
    console.log(
      `\n${mountpoint} stays mounted until you press Ctrl-C here. Have a look at it from elsewhere.`,
    );
    setInterval(() => {}, 3_600_000);
  } else await end(0);
} catch (error) {
  console.error(`start: ${error.message}`);
  await end(error.exit ?? 70);
}

/** Starts the broker, which asks, and starts the server in the machine "box" when it is allowed to. */
async function serve() {
  const agent = [process.execPath, program, 'agent']
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ');
  const box = { address: `exec:${namespaces()} ${agent}` };
  await writeFile(
    env.NINEFOLD_BROKER_CONFIG,
    JSON.stringify({ machines: { box, guest: { socket: guestSocket } } }),
  );
  const said = JSON.stringify({
    version: 1,
    ...(answer === 'no' ? { answer: 'deny' } : { answer: 'allow', lasts: 'always' }),
  });
  const ask = answer === undefined ? [] : ['--ask', `cat >/dev/null; echo '${said}'`];
  // In a session of its own: Ctrl-C is for this script, which ends the parts in the right order. The terminal is for the question.
  server = spawn(process.execPath, [program, 'broker', ...ask], {
    stdio: [terminal ? 'inherit' : 'ignore', 'ignore', 'pipe'],
    detached: true,
    env,
  });
  server.stderr.setEncoding('utf8').on('data', (text) => {
    for (const line of text.trimEnd().split('\n')) if (!ending) console.log(line);
  });
  const exited = new Promise((done) => server.once('close', (code) => done(code ?? 70)));
  const code = await Promise.race([exited, until(() => existsSync(socket), 15_000)]);
  if (typeof code === 'number') throw stop(code, 'the broker did not start (see above)');
  if (code === false) throw stop(69, 'the broker did not begin to listen within 15 s');
  server.once('exit', (status) => {
    if (!ending) void end(typeof status === 'number' && status !== 0 ? status : 69);
  });
}

/** What puts the box into namespaces of its own: users, mounts, network, processes, names; empty where this machine does not let us. */
function namespaces() {
  // Of a folder that root shares and others own, they would be nobody in there, and their files closed to it: there the box has this machine's users.
  const others = process.geteuid() === 0 && (statSync(folder, { throwIfNoEntry: false })?.uid ?? 0) !== 0;
  const own = others ? '' : '--user --map-current-user ';
  const command = `unshare ${own}--mount --net --uts --ipc --pid --fork --mount-proc --kill-child`;
  const { status } = spawnSync('/bin/sh', ['-c', `${command} true`], { stdio: 'ignore' });
  if (status === 0) return command;
  console.log('The machine "box" is not in namespaces of its own: unshare(1) is not allowed here.');
  return '';
}

async function mount() {
  const how = answer === undefined ? '' : `; the answer will be ${answer}, from this script: nobody is asked`;
  console.log(`Asking for ${source}${how} …`);
  const { status } = await run(['mount', source, mountpoint], 'inherit');
  if (status !== 0) throw stop(status, 'the mount did not come up (see above)');
  mounted = true;
  const real = await realpath(dirname(mountpoint));
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((l) => l.includes('fuse.ninefold') && l.includes(real));
  if (line !== undefined) console.log(`  ${line}`);
  process.stdout.write((await run(['list'], 'pipe')).output);
  process.stdout.write((await run(['sessions'], 'pipe')).output);
}

/**
 * A second machine asks for the same folder, to read it: users, mounts, processes and network are its own, and the broker knows it by a socket that no other has. What it is told depends on the
 * person; a no ends nothing here.
 */
async function guest() {
  const place = join(temporary, 'guest');
  await mkdir(place);
  const inside =
    'unshare --user --map-root-user --mount --net --uts --ipc --pid --fork --mount-proc --kill-child';
  const look =
    '"$0" "$1" mount --read-only "$2" "$3" >/dev/null && ls -A "$3" | wc -l && "$0" "$1" unmount "$3" >/dev/null';
  const argv = [...inside.split(' '), '/bin/sh', '-c', look, process.execPath, program, source, place];
  const { status } = spawnSync('/bin/sh', ['-c', `${inside} true`], { stdio: 'ignore' });
  if (status !== 0) return console.log('\nThere is no machine "guest": unshare(1) is not allowed here.');
  console.log(
    '\nThe machine "guest", with users, mounts, processes and a network of its own, asks to read it …',
  );
  const own = { NINEFOLD_BROKER: guestSocket, NINEFOLD_RUNTIME_DIR: join(temporary, 'guest-run') };
  const looked = await started(argv, 'pipe', { ...env, ...own });
  if (looked.status === 0) console.log(`  and sees ${looked.output.trim()} names at its top`);
  else console.log('  and does not get it');
}

/** Takes the grant back: the mount is dead within a second. */
async function revoke() {
  console.log('');
  process.stdout.write((await run(['policy', 'revoke', '--target', 'box'], 'pipe')).output);
  const began = performance.now();
  const dead = await until(() => readdirSafely(mountpoint) === 'ENOTCONN', 5000);
  const ms = (performance.now() - began).toFixed(0);
  if (dead) console.log(`  ${mountpoint} is dead ${ms} ms after the command had ended`);
  else throw stop(70, 'the revocation did not end the mount');
  const who = answer === undefined ? '' : ' (what it calls the answer of a person came from this script)';
  process.stdout.write(`\nThe log${who}:\n${(await run(['policy', 'log'], 'pipe')).output}`);
}

function readdirSafely(path) {
  try {
    readdirSync(path);
    return undefined;
  } catch (error) {
    return error.code;
  }
}

/** Works with the mount as any program would. This process is neither the server nor the one that serves the mount. */
async function use() {
  console.log('');
  const walked = await timed(walk);
  row(
    'walked',
    `${walked.result.files} files in ${walked.result.folders} folders`,
    walked.ms,
    `${per(walked.result.files + walked.result.folders, walked.ms)} entries/s`,
  );
  const read = await timed(() => readFiles(walked.result.paths));
  row(
    'read',
    `${mb(read.result.bytes)} of ${read.result.files} files`,
    read.ms,
    `${rate(read.result.bytes, read.ms)}, ${per(read.result.files, read.ms)} files/s`,
  );
  let scratch;
  try {
    scratch = await mkdtemp(join(mountpoint, '.ninefold-start-'));
  } catch (error) {
    console.log(`  wrote     nothing: ${error.code === 'EROFS' ? 'the share is read-only' : error.message}`);
    return;
  }
  try {
    const big = join(scratch, 'big');
    const wrote = await timed(() => write(big));
    row('wrote', `${mb(WRITE_BYTES)} and fsync`, wrote.ms, rate(WRITE_BYTES, wrote.ms));
    const again = await timed(() => readFiles([big]));
    row('read back', mb(again.result.bytes), again.ms, rate(again.result.bytes, again.ms));
    if (again.result.bytes !== WRITE_BYTES) throw stop(70, 'what was read back is not what was written');
    const made = await timed(() => smallFiles(scratch, 500));
    row('made', '500 small files', made.ms, `${per(500, made.ms)} files/s`);
  } finally {
    const removed = await timed(() => rm(scratch, { recursive: true, force: true }));
    row('removed', 'all of that', removed.ms, '');
  }
}

async function walk() {
  const found = { files: 0, folders: 0, paths: [] };
  const deadline = performance.now() + LOOK_MS;
  const queue = [mountpoint];
  for (let dir = queue.pop(); dir !== undefined && performance.now() < deadline; dir = queue.pop()) {
    found.folders++;
    let entries = [];
    try {
      entries = await readdir(dir, { withFileTypes: true });
    } catch {
      // A folder that is not ours to read.
    }
    for (const e of entries) {
      const path = join(dir, e.name);
      if (e.isDirectory()) queue.push(path);
      else {
        found.files++;
        if (e.isFile()) found.paths.push(path);
      }
    }
  }
  return found;
}

/** A few files at a time, as programs that are in a hurry do. */
async function readFiles(paths) {
  const done = { files: 0, bytes: 0 };
  const deadline = performance.now() + LOOK_MS;
  const queue = [...paths].reverse();
  const reader = async () => {
    const buffer = Buffer.alloc(CHUNK);
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      if (performance.now() > deadline || done.bytes >= READ_BYTES) return;
      await readFile(path, buffer, done);
    }
  };
  await Promise.all([reader(), reader(), reader(), reader()]);
  return done;
}

async function readFile(path, buffer, done) {
  let file;
  try {
    file = await open(path, 'r');
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      done.bytes += bytesRead;
    }
    done.files++;
  } catch {
    // Not ours to read, or gone meanwhile.
  } finally {
    await file?.close();
  }
}

async function write(path) {
  const file = await open(path, 'w');
  const chunk = Buffer.alloc(CHUNK, 'ninefold ');
  for (let at = 0; at < WRITE_BYTES; at += CHUNK) await file.write(chunk, 0, CHUNK, at);
  await file.sync();
  await file.close();
}

async function smallFiles(dir, count) {
  for (let i = 0; i < count; i++) {
    const file = await open(join(dir, `small-${i}`), 'wx');
    await file.write(`file ${i}\n`);
    await file.close();
  }
}

/** Undoes everything, in order, once. */
async function end(code) {
  if (ending) return;
  ending = true;
  let result = code;
  if (mounted) {
    if (result === 0)
      await revoke().catch((error) => {
        console.error(`start: ${error.message}`);
        result = error.exit ?? 70;
      });
    const { status } = await run(['unmount', mountpoint], 'inherit');
    if (status !== 0) result = result === 0 ? status : result;
    else console.log(`\n${mountpoint} is unmounted.`);
  }
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    const gone = new Promise((done) => server.once('exit', done));
    server.kill('SIGTERM');
    await gone;
  }
  for (const file of [socket, guestSocket, env.NINEFOLD_BROKER_CONFIG]) await rm(file, { force: true });
  for (const dir of [env.NINEFOLD_POLICY_DIR, join(temporary, 'guest-run')])
    await rm(dir, { recursive: true, force: true });
  await rmdirQuietly(join(temporary, 'guest'));
  // Never recursively: should the mount still be there, its files are someone's.
  if (givenMountpoint === undefined) await rmdirQuietly(mountpoint);
  await rmdirQuietly(temporary);
  process.exit(result);
}

async function rmdirQuietly(dir) {
  const { rmdir } = await import('node:fs/promises');
  await rmdir(dir).catch(() => {});
}

function run(args, stdout) {
  return started([process.execPath, program, ...args], stdout, env);
}

function started([command, ...args], stdout, environment) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['inherit', stdout, 'inherit'], env: environment });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.once('close', (code) => done({ status: code ?? 70, output }));
  });
}

/** True as soon as `condition` holds, false after so many milliseconds. */
async function until(condition, ms) {
  for (const deadline = performance.now() + ms; performance.now() < deadline; ) {
    if (condition()) return true;
    await new Promise((done) => setTimeout(done, 20));
  }
  return false;
}

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return { result, ms: performance.now() - began };
}

function row(what, how, ms, speed) {
  console.log(`  ${what.padEnd(10)}${how.padEnd(38)}${`${ms.toFixed(0)} ms`.padStart(9)}   ${speed}`);
}

function mb(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function rate(bytes, ms) {
  return `${(bytes / 1e3 / Math.max(ms, 0.001)).toFixed(0)} MB/s`;
}

function per(count, ms) {
  return ((count * 1000) / Math.max(ms, 0.001)).toFixed(0);
}

function arguments_() {
  try {
    return parseArgs({ allowPositionals: true, options: { answer: { type: 'string' } } });
  } catch (error) {
    return fail(64, error.message);
  }
}

function build() {
  console.log('building first …');
  const { status } = spawnSync(process.execPath, [join(top, 'scripts/build.mjs')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0 || !existsSync(program))
    fail(70, 'the build failed; run `npm ci` and look at what it says');
}

function stop(exit, message) {
  return Object.assign(new Error(message), { exit });
}

function fail(exit, message) {
  console.error(`start: ${message}`);
  process.exit(exit);
}
