/** What needs a key: opening age files and records. Runs in a worker, because it keeps a processor busy. */

import { Decrypter, armor } from "age-encryption";
import { isHex, isWellFormed, fromHex, toHex } from "./bytes.js";
import { RECORD_FIELDS, commitment } from "./record.js";

/** Return whether a file begins like an age file, binary or armored. `bytes` are its first ones. */
export function isAge(bytes) {
  return /^(\u00ef\u00bb\u00bf)?\s*(age-encryption\.org\/|-----BEGIN AGE)/.test(new TextDecoder("latin1").decode(bytes.subarray(0, 128)));
}

/** Return the binary form of an age file. Throws if its armor is damaged. */
export function unarmored(bytes) {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
  return text.startsWith("age-encryption.org/") ? bytes : armor.decode(new TextDecoder().decode(bytes).trim());
}

/** Return the content of an age file that is locked with a passphrase. Takes a second or more, and 256 MB. Throws. */
export async function unlock(bytes, passphrase) {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  return decrypter.decrypt(unarmored(bytes));
}

/** Return an opener of age files with any of these secret keys. */
export function openerOf(identities) {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  return (bytes) => decrypter.decrypt(unarmored(bytes));
}

/**
 * Open one sealed record and compare it with its commitment, in hexadecimal. Return `{fields, language, manifest, seed, risk,
 * checked}`, with the hash of the manifest and the seed in hexadecimal; null if it cannot be opened or is no record.
 */
export async function openRecord(open, { sealed, commitment: signed }) {
  try {
    const plain = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await open(sealed)));
    const fields = Object.fromEntries(RECORD_FIELDS.map((name) => [name, textOf(plain.fields[name])]));
    const language = textOf(plain.lang), risk = plain.risk ?? {};
    if (!isHex(plain.manifest, plain.manifest.length / 2) || !isHex(plain.seed, 32)) return null;
    if (![language, ...Object.values(fields)].every(isWellFormed)) return null;
    const made = commitment(fromHex(plain.manifest), fromHex(plain.seed), fields);
    const isObject = typeof risk === "object" && risk !== null && !Array.isArray(risk);
    return { fields, language, manifest: plain.manifest.toLowerCase(), seed: plain.seed.toLowerCase(), risk: isObject ? risk : {}, checked: toHex(made) === signed };
  } catch {
    return null;
  }
}

function textOf(value) {
  if (value === undefined) throw new TypeError("a field is missing");
  return typeof value === "string" ? value : JSON.stringify(value);
}
