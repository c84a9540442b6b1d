// SPDX-License-Identifier: MIT
// poll(2), and how Node's own event loop is watched from outside.

import type { Mem } from '../base/mem.ts';
import { c, koffi, ret } from './libc.ts';
import { alloc, at } from './memory.ts';

const POLLFD_SIZE = 8;
/** uv_handle_type (uv.h): part of libuv's stable ABI. */
const UV_TIMER = 13;

export function poll(fds: Mem, count: number, timeoutMs: number): number {
  return ret(c.poll(at(fds, 0, count * POLLFD_SIZE), count, timeoutMs));
}

interface Loop {
  readonly fd: number;
  readonly address: number;
  /** The address of Node's own timer, 0 until it is known. */
  timer: number;
  /** All timers of the loop at this moment. Slow: a callback for each handle. */
  timers(): number[];
  isActive(handle: number): number;
  dueIn(handle: number): number;
  now(loop: number): number;
  updateTime(loop: number): void;
}
let loop: Loop | undefined;

/** This thread's loop (a worker has its own), through Node-API; libuv's functions are the running program's. */
function find(): Loop {
  const program = koffi.load(null);
  const out = alloc(8);
  const status = program.func('int napi_get_uv_event_loop(void *env, uintptr_t loop)')(
    koffi.node.env,
    out.address,
  );
  if (status !== 0) throw new Error(`napi_get_uv_event_loop: status ${status}`);
  const address = Number(out.dv.getBigUint64(0, true));
  const typeOf = program.func('int uv_handle_get_type(uintptr_t handle)');
  const walk = program.func('void uv_walk(uintptr_t loop, void *visit, uintptr_t arg)');
  const visitor = koffi.pointer(koffi.proto('void (uintptr_t handle, uintptr_t arg)'));
  const timers = (): number[] => {
    const found: number[] = [];
    const visit = koffi.register((handle: number) => {
      if (typeOf(handle) === UV_TIMER) found.push(handle);
    }, visitor);
    walk(address, visit, 0);
    koffi.unregister(visit);
    return found;
  };
  const made: Loop = {
    fd: program.func('int uv_backend_fd(uintptr_t loop)')(address),
    address,
    timer: 0,
    timers,
    isActive: program.func('int uv_is_active(uintptr_t handle)') as Loop['isActive'],
    dueIn: program.func('uint64_t uv_timer_get_due_in(uintptr_t handle)') as Loop['dueIn'],
    now: program.func('uint64_t uv_now(uintptr_t loop)') as Loop['now'],
    updateTime: program.func('void uv_update_time(uintptr_t loop)') as Loop['updateTime'],
  };
  identify(made);
  return made;
}

/**
 * All JavaScript timers of a thread hang on one uv_timer_t that lives as long as the thread. Others (V8's delayed tasks) come and go, so
 * their addresses must not be kept. Node's is the one that is due sooner once a timer is set; when none does (one is due this very
 * millisecond), it stays unknown until the next question.
 */
function identify(l: Loop): void {
  // Setting a timer moves libuv's clock on, so points in time are compared, not what is left.
  const dueAt = (t: number): number => (l.isActive(t) === 0 ? Infinity : l.now(l.address) + l.dueIn(t));
  const before = l.timers().map((t) => [t, dueAt(t)] as const);
  const probe = setTimeout(() => {}, 1);
  for (const [t, due] of before) if (dueAt(t) < due) l.timer = t;
  clearTimeout(probe);
}

export function eventLoopFd(): number {
  loop ??= find();
  return loop.fd;
}

/**
 * Not uv_backend_timeout(): inside a setImmediate callback, where a data plane's loop runs, that is always 0 (Node keeps an idle handle
 * active until the immediates are done). libuv's clock stands still while JavaScript runs, so it is moved on first. While Node's timer
 * is not yet known, 0: look again at once.
 */
export function eventLoopTimeout(): number {
  loop ??= find();
  if (loop.timer === 0) identify(loop);
  const { timer } = loop;
  if (timer === 0) return 0;
  if (loop.isActive(timer) === 0) return -1;
  loop.updateTime(loop.address);
  return Math.min(loop.dueIn(timer), 0x7fffffff);
}
