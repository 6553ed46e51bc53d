/** Make an organiser's key and lock it with a passphrase. */

import { Encrypter, armor, generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption";
import shared from "shared";

export const { LEAST_PASSPHRASE } = shared.passphrase; // characters, as `lengthOf` counts them
const LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"; // none that looks like another

/**
 * Return `{file, recipient}`: the text of the key file, locked, and the public half. `made` is the day. Takes a second or more.
 * The public half is in its own file: without it a locked key is short enough for a code that can be scanned.
 */
export async function newKey(passphrase, made, postQuantum = true) {
  const identity = await (postQuantum ? generateHybridIdentity() : generateX25519Identity());
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  const locked = await encrypter.encrypt(`# made on ${made} with organiser.html\n${identity}\n`);
  return { file: `${armor.encode(locked)}\n`, recipient: await identityToRecipient(identity) };
}

/** Return the number of characters. One of Korean, Chinese or Japanese counts twice: it is harder to guess. */
export function lengthOf(passphrase) {
  const isWide = (code) => shared.passphrase.wide.some(([first, last]) => first <= code && code <= last);
  return [...passphrase].reduce((sum, character) => sum + (isWide(character.codePointAt(0)) ? 2 : 1), 0);
}

/** Return a passphrase of 16 letters and digits in groups, with 79 random bits. */
export function suggested() {
  const letters = [];
  while (letters.length < 16) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < 256 - (256 % LETTERS.length)) letters.push(LETTERS[byte % LETTERS.length]); // each equally likely
  }
  return letters.join("").replace(/(.{4})(?=.)/g, "$1-");
}
