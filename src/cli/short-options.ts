// SPDX-License-Identifier: MIT

/**
 * A word of single letters, as getopt(3) reads it, in words of one letter each: `-vw5` is `-v`, `-w` and the value `5`, where `valued` holds the letters that take one. Any other word is
 * itself.
 */
export function lettersApart(word: string, valued: string): string[] {
  if (!/^-[^-]./s.test(word)) return [word];
  const words: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] ?? '';
    words.push(`-${letter}`);
    if (!valued.includes(letter)) continue;
    if (at + 1 < word.length) words.push(word.slice(at + 1));
    break;
  }
  return words;
}
