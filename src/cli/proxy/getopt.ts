// SPDX-License-Identifier: MIT

/** One option, as getopt_long(3) has them. */
export interface LongOption {
  readonly name: string;
  readonly value: boolean;
  /** Its letter, where it has one. */
  readonly short?: string;
  /** Gives way when an abbreviation could also mean an option without this mark. */
  readonly yields?: boolean;
}

export type Parsed = { readonly given: ReadonlyMap<string, string> } | { readonly complaint: string };

/**
 * Reads a command line as getopt_long(3) does: `-pVALUE`, `-p VALUE`, `-np VALUE`, `--path=VALUE`, `--path VALUE`, unambiguous beginnings of long
 * names; words that are no options are passed over, `--` ends the options. The last of several wins. `help` is given for `-h` and `-?`.
 * A complaint is in the words of the C library, without the program's name.
 */
export function getopt(args: readonly string[], options: readonly LongOption[]): Parsed {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const word = args[i] as string;
    if (word === '--') break;
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const found = byName(name, options);
      if (found === undefined) return { complaint: `unrecognized option '${word.split('=')[0]}'` };
      if (found === 'several') return { complaint: `option '--${name}' is ambiguous` };
      if (!found.value && equals >= 0)
        return { complaint: `option '--${found.name}' doesn't allow an argument` };
      let value = equals < 0 ? '' : word.slice(equals + 1);
      if (found.value && equals < 0) {
        if (++i >= args.length) return { complaint: `option '--${found.name}' requires an argument` };
        value = args[i] as string;
      }
      given.set(found.name, value);
    } else if (word.startsWith('-') && word !== '-') {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at] as string;
        if (letter === 'h' || letter === '?') {
          given.set('help', '');
          continue;
        }
        const found = options.find((o) => o.short === letter);
        if (found === undefined) return { complaint: `invalid option -- '${letter}'` };
        if (!found.value) {
          given.set(found.name, '');
          continue;
        }
        const rest = word.slice(at + 1);
        if (rest === '' && ++i >= args.length)
          return { complaint: `option requires an argument -- '${letter}'` };
        given.set(found.name, rest === '' ? (args[i] as string) : rest);
        break;
      }
    }
  }
  return { given };
}

function byName(name: string, options: readonly LongOption[]): LongOption | 'several' | undefined {
  const exact = options.find((o) => o.name === name);
  if (exact !== undefined) return exact;
  const some = options.filter((o) => o.name.startsWith(name));
  const first = some.filter((o) => o.yields !== true);
  const choice = first.length > 0 ? first : some;
  return choice.length > 1 ? 'several' : choice[0];
}
