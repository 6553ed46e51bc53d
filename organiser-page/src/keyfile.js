/** Find age keys in text as people keep it: copied from a key sheet, an email or a document. */

import { bech32 } from "@scure/base";
import { encodingOf, trimmed } from "./bytes.js";
import { Refusal } from "./words.js";
import { isAge, isLocked, unarmored } from "./sealed.js";

const DASHES = /[‐‑‒–—―−﹘﹣－]/g, INVISIBLE = /[\u00ad\u200b-\u200f\u202a\u202c\u2060\ufeff]/g;
const SECRET = /AGE-(?:SECRET-KEY|PLUGIN)-[0-9A-Z][0-9A-Z-]*/gi, PUBLIC = /(?<![0-9A-Z])AGE1[0-9A-Z]+/gi;
const AROUND = new Set(" \t\u00a0>|\"'`“”„‘’«»,;");
const MOST_LINES = 200, MOST_BYTES = 2 ** 20, LONGEST_KEY = 4096;
const SIZES = { "age-secret-key-": 32, "age-secret-key-pq-": 32, age: 32, age1pq: 1216 };

const plainLines = (text) => text.replace(DASHES, "-").replace(INVISIBLE, "").split(/\r\n|[\n-\r\x85\u2028\u2029]/).map((line) => trimmed(line, AROUND));

/**
 * Return `{identities}` of a key file, or `{locked}`, the age file that a passphrase opens. Throw a Refusal that says what else the
 * file is. `bytes` are those of the file, or of typed text.
 */
export function readKeyFile(bytes, file) {
  if (bytes.length > MOST_BYTES) throw new Refusal("key_large", { file });
  const age = ageFileIn(bytes, file);
  if (age === null) return { identities: identitiesIn(textOf(bytes), file) };
  if (!isLocked(age)) throw new Refusal("key_sealed", { file });
  return { locked: age };
}

/** Return the secret keys in a text, as `AGE-SECRET-KEY-…`. Throw a Refusal if one is damaged or there is none. */
function identitiesIn(text, file) {
  const found = keysIn(text, SECRET, (key) => key.toUpperCase());
  if (found.damaged) throw new Refusal("key_damaged", { file, line: found.damaged });
  if (!found.keys.length) throw new Refusal(text.search(PUBLIC) >= 0 ? "key_public" : text.slice(0, 200).includes('"sabal sealed records') ? "key_export" : "key_none", { file });
  return found.keys;
}

/** Return the public keys in a text, as `age1…`. Throw a Refusal if one is damaged, there is none, or one is secret. */
export function recipientsIn(text) {
  const plain = text.replace(DASHES, "-").replace(INVISIBLE, "");
  if (plain.search(SECRET) >= 0 || plain.includes("BEGIN AGE ENCRYPTED FILE")) throw new Refusal("recipient_secret");
  const found = keysIn(text, PUBLIC, (key) => key.toLowerCase());
  if (found.damaged) throw new Refusal("recipient_damaged", { line: found.damaged });
  if (!found.keys.length) throw new Refusal("recipient_none");
  return found.keys;
}

/** Return `{keys, damaged}`: the keys of a text in any line that is no comment, and the number of the first line with a damaged one. */
function keysIn(text, pattern, write) {
  const lines = plainLines(text), keys = [];
  for (const [at, line] of lines.entries()) {
    if (line.startsWith("#")) continue;
    for (const found of line.matchAll(pattern)) {
      const end = found.index + found[0].length;
      if (/^\s*(…|\.\.\.)/.test(line.slice(end))) continue; // a key sheet shows the beginning and the end of the public half
      const key = whole(found[0], end === line.length ? lines.slice(at + 1, at + MOST_LINES) : []);
      if (key === null) return { keys, damaged: at + 1 };
      keys.push(write(key));
    }
  }
  return { keys, damaged: 0 };
}

/** Return a key that may go on in the next lines; null if it is damaged. */
function whole(key, below) {
  if (isKey(key)) return key;
  for (const line of below) {
    if (!/^([0-9a-z]+|[0-9A-Z]+)$/.test(line)) break;
    key += line;
    if (isKey(key)) return key;
  }
  return null;
}

function isKey(key) {
  if (key.length > LONGEST_KEY) return false;
  try {
    const { prefix, words } = bech32.decode(key, false);
    return bech32.fromWords(words).length === SIZES[prefix.toLowerCase()];
  } catch {
    return false;
  }
}

function ageFileIn(bytes, file) {
  if (isAge(bytes)) {
    try {
      return unarmored(bytes);
    } catch { /* its lines may have been broken anew */ }
  }
  const lines = plainLines(textOf(bytes)), begin = lines.findIndex((line) => /^-+ *BEGIN AGE ENCRYPTED FILE *-+$/.test(line));
  if (begin < 0) return null;
  const end = lines.findIndex((line, at) => at > begin && /^-+ *END AGE ENCRYPTED FILE *-+$/.test(line));
  if (end < 0) throw new Refusal("key_cut", { file });
  try {
    // The lengths of lines that were broken anew say nothing. The content has its own check.
    return Uint8Array.from(atob(lines.slice(begin + 1, end).join("").replace(/\s/g, "")), (character) => character.charCodeAt(0));
  } catch {
    throw new Refusal("key_changed", { file });
  }
}

function textOf(bytes) {
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}
