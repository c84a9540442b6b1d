// SPDX-License-Identifier: MIT

/** Says on stderr what is being measured: one line that is written over on a terminal, a line each elsewhere. */
export class Progress {
  private readonly total: number;
  private readonly tty = process.stderr.isTTY === true;
  private done = 0;

  /** `total`: how many measurements there will be. */
  constructor(total: number) {
    this.total = total;
  }

  step(text: string): void {
    this.done++;
    const line = `[${this.done}/${this.total}] ${text}`;
    process.stderr.write(
      this.tty ? `\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}` : `${line}\n`,
    );
  }

  end(): void {
    if (this.tty) process.stderr.write('\r\x1b[K');
  }
}
