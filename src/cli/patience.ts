// SPDX-License-Identifier: MIT

/** A file system that does not answer for so long is dead to the person who waits. */
export const PATIENCE_MS = 10_000;

/**
 * `work`, or the rejection with `late()` when it takes longer. The system call that hangs goes on hanging in its thread: end the process with `die`, which
 * does not wait for it.
 */
export async function within<T>(work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
