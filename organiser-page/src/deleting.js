/** The proof that all records of an export open: the server then deletes them. `signing/drain.py` checks it. */

import { sha256 } from "@noble/hashes/sha2.js";
import { eightBytes, fromHex, joined, toHex, utf8 } from "./bytes.js";

/** Return the code for the desk. `challenge` is the content of the export's code file, `commitments` those of all opened records. */
export function drainProof(challenge, commitments) {
  const code = utf8(new TextDecoder("latin1").decode(challenge).replace(/[\t-\r ]+/g, ""));
  const ascending = [...commitments].sort();
  return toHex(sha256(joined(utf8("petition/1 drain\n"), code, eightBytes(ascending.length), ...ascending.map(fromHex))));
}
