// SPDX-License-Identifier: MIT
// The whole thing in one go: shares a folder from a confined server, mounts it, uses it, shows how fast that was.
//
//   npm start                          this repository's folder, on a temporary mount point
//   npm start -- FOLDER MOUNTPOINT     your own
//
// On a terminal it stays mounted until Ctrl-C; otherwise it cleans up and exits 0.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const program = join(top, process.env.NINEFOLD_OUT ?? 'dist', 'bin/ninefold.cjs');
/** What is enough to see a speed: nobody wants to wait for a whole home folder. */
const LOOK_MS = 5000;
const READ_BYTES = 512 * 1024 * 1024;
const WRITE_BYTES = 64 * 1024 * 1024;
const CHUNK = 1024 * 1024;

const [folder = top, givenMountpoint, ...more] = process.argv.slice(2);
if (more.length > 0) fail(64, 'it takes a folder and a mount point: npm start -- FOLDER MOUNTPOINT');
if (process.platform !== 'linux') fail(71, 'it runs on Linux only: /dev/fuse is a part of that kernel');
if (!existsSync(program)) build();

const temporary = await mkdtemp(join(tmpdir(), 'ninefold-'));
const socket = join(temporary, 'share.sock');
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
  if (process.stdin.isTTY && process.stdout.isTTY) {
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

/** Starts the server: `ninefold serve`, which confines each connection's process to the one folder. */
async function serve() {
  // In a session of its own: Ctrl-C is for this script, which ends the parts in the right order.
  server = spawn(
    process.execPath,
    [program, 'serve', folder, '--listen', `unix:${socket}`, '--log-level', 'info'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    },
  );
  const said = [];
  server.stderr.setEncoding('utf8').on('data', (text) => {
    for (const line of text.trimEnd().split('\n')) {
      said.push(line);
      if (!ending) console.log(line);
    }
  });
  const exited = new Promise((done) => server.once('close', (code) => done(code ?? 70)));
  const code = await Promise.race([exited, until(() => existsSync(socket), 15_000)]);
  if (typeof code === 'number') throw stop(code, 'the server did not start (see above)');
  if (code === false) throw stop(69, 'the server did not begin to listen within 15 s');
  server.once('exit', (status) => {
    if (!ending) void end(typeof status === 'number' && status !== 0 ? status : 69);
  });
}

async function mount() {
  const { status } = await run(['mount', `unix:${socket}`, mountpoint], 'inherit');
  if (status !== 0) throw stop(status, 'the mount did not come up (see above)');
  mounted = true;
  const real = await realpath(dirname(mountpoint));
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((l) => l.includes('fuse.ninefold') && l.includes(real));
  if (line !== undefined) console.log(`  ${line}`);
  process.stdout.write((await run(['list'], 'pipe')).output);
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
    const { status } = await run(['unmount', mountpoint], 'inherit');
    if (status !== 0) result = result === 0 ? status : result;
    else console.log(`\n${mountpoint} is unmounted.`);
  }
  if (server !== undefined && server.exitCode === null && server.signalCode === null) {
    const gone = new Promise((done) => server.once('exit', done));
    server.kill('SIGTERM');
    await gone;
  }
  await rm(socket, { force: true });
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
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['inherit', stdout, 'inherit'] });
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
