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

/** Return whether an age file is locked with a passphrase, and not for a key. `bytes` is its binary form. */
export const isLocked = (bytes) => /\n-> scrypt /.test(new TextDecoder("latin1").decode(bytes.subarray(0, 200)));

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
 * Open one sealed record and compare it with its commitment, in hexadecimal. Return `{fields, language, manifest, seed, robot,
 * checked}`, with the hash of the manifest and the seed in hexadecimal, and whether a risk sign is set; null if it cannot be opened or
 * is no record.
 */
export async function openRecord(open, { sealed, commitment: signed }) {
  try {
    const plain = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await open(sealed)));
    const fields = Object.fromEntries(RECORD_FIELDS.map((name) => [name, textOf(plain.fields[name])]));
    const language = textOf(plain.lang);
    if (!isHex(plain.manifest, 32) || !isHex(plain.seed, 32)) return null;
    const made = commitment(fromHex(plain.manifest), fromHex(plain.seed), fields);
    return { fields, language, manifest: plain.manifest.toLowerCase(), seed: plain.seed.toLowerCase(), robot: isRobot(plain.risk), checked: toHex(made) === signed };
  } catch {
    return null;
  }
}

// Only the answer leaves the worker: an object that is nested deeply cannot be sent.
function isRobot(risk) {
  return typeof risk === "object" && risk !== null && !Array.isArray(risk) && Object.values(risk).some(isSet);
}

// What Python takes for true: also in a record that this server did not write.
const isSet = (value) => (typeof value === "object" && value !== null ? Object.keys(value).length > 0 : Boolean(value));

function textOf(value) {
  if (typeof value !== "string" || !isWellFormed(value)) throw new TypeError("no text");
  return value;
}
