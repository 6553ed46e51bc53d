/**
 * The record of a signature and its commitment. docs/log-format.md "Commitment" describes the bytes.
 * `fields` always has the keys of RECORD_FIELDS, with values as text in NFC.
 */

import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { joined, utf8 } from "./bytes.js";
import shared from "shared";

export const RECORD_FIELDS = shared.recordFields;
const DIGEST = Uint8Array.of(2);

/** Return the 16 bytes that salt the digest of a field. */
export const salt = (seed, field) => hmac(sha256, seed, utf8(`salt/${field}`)).subarray(0, 16);

export const digest = (salt, value) => sha256(joined(DIGEST, salt, utf8(value)));

/** Return C, the 32 bytes of a signature that the public log contains. */
export function commitment(manifestHash, seed, fields) {
  const digests = RECORD_FIELDS.map((name) => digest(salt(seed, name), fields[name]));
  return sha256(joined(utf8("petition/1 commit\n"), manifestHash, ...digests));
}
