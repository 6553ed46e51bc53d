/** Make an organiser's key and lock it with a passphrase. */

import { Encrypter, armor, generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption";

export const LEAST_PASSPHRASE = 12; // characters
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

/** Return a passphrase of 16 letters and digits in groups, with 79 random bits. */
export function suggested() {
  const letters = [];
  while (letters.length < 16) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte < 256 - (256 % LETTERS.length)) letters.push(LETTERS[byte % LETTERS.length]); // each equally likely
  }
  return letters.join("").replace(/(.{4})(?=.)/g, "$1-");
}
