// SPDX-License-Identifier: MIT
// What GJS has and the types of @girs/gjs leave out.

interface ImportMeta {
  /** Of the running file: a file:// address. */
  readonly url: string;
}
