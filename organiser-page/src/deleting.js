/** The proof that all records of an export open: the server then deletes them. `signing/drain.py` checks it. */

import { sha256 } from "@noble/hashes/sha2.js";
import { eightBytes, fromHex, joined, toHex, utf8 } from "./bytes.js";

/** Return the code for the desk. `challenge` is the content of the export's code file, `commitments` those of all opened records. */
export function drainProof(challenge, commitments) {
  const code = challenge.filter((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d));
  const ascending = [...commitments].sort();
  return toHex(sha256(joined(utf8("petition/1 drain\n"), code, eightBytes(ascending.length), ...ascending.map(fromHex))));
}
