// SPDX-License-Identifier: MIT

/**
 * A way to call `work` as often as one likes: it runs once at a time, and however many calls come meanwhile, once more after that. Each look at the rules, the log or the sessions is a process: a machine
 * that mounts and lets go without end must not have us start them faster than they end, nor an older answer come after a newer. The promise resolves after a run that began no earlier than the
 * call, and never rejects: what goes wrong is for `work` to tell.
 */
export function oneAtATime(work: () => Promise<unknown>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = async (): Promise<void> => {
    try {
      await work();
    } catch {
      // Told, or nothing to be told.
    }
    running = undefined;
  };
  return () => {
    if (running === undefined && next === undefined) {
      running = run();
      return running;
    }
    next ??= (running ?? Promise.resolve()).then(() => {
      next = undefined;
      running = run();
      return running;
    });
    return next;
  };
}
