// SPDX-License-Identifier: MIT

/**
 * What must be undone however the run ends: unmount, end a process, remove a folder. All steps are synchronous, so that they also run
 * inside a signal handler and at `process.exit`. The last one added is the first to be undone.
 */
export class Cleanup {
  private readonly steps: { what: string; undo: () => void }[] = [];

  /** Returns a function that undoes the step now; later calls do nothing. */
  add(what: string, undo: () => void): () => void {
    const step = { what, undo };
    this.steps.push(step);
    return () => {
      const i = this.steps.indexOf(step);
      if (i < 0) return;
      this.steps.splice(i, 1);
      undo();
    };
  }

  /** Undoes everything; a step that fails is named on stderr and the others still run. */
  run(): void {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      try {
        step.undo();
      } catch (error) {
        process.stderr.write(`bench: clean-up: ${step.what}: ${(error as Error).message}\n`);
      }
    }
  }

  /** From now on SIGINT, SIGTERM, SIGHUP and any exit undo everything first. */
  onEnd(): void {
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
    process.once('SIGHUP', () => process.exit(129));
    process.once('exit', () => this.run());
  }
}
