// SPDX-License-Identifier: MIT

import type { Catalog } from './po.ts';

export type Values = Readonly<Record<string, string | number>>;

/** What a window says, in a person's language. English is the source; what has no translation stays English. */
export interface Words {
  /** `{name}` in the text is replaced by the value of that name. A value is put in as it is: what it contains is never replaced again. */
  t(text: string, values?: Values): string;
  /** `one` for a single thing, `many` for any other count; `{count}` stands for it. */
  n(one: string, many: string, count: number, values?: Values): string;
}

export function wordsOf(catalog?: Catalog): Words {
  return {
    t: (text, values) => fill(catalog?.strings.get(text)?.[0] ?? text, values),
    n: (one, many, count, values) => {
      const forms = catalog?.strings.get(one);
      const text = forms?.[catalog?.form(count) ?? 0] ?? (count === 1 ? one : many);
      return fill(text, { ...values, count });
    },
  };
}

export const ENGLISH: Words = wordsOf();

function fill(text: string, values: Values = {}): string {
  return text.replace(/\{([a-z]+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}
