/** A checked copy of the petition's public log: a bundle without names. The checker is that of check.html. */

import { check, countEntries, hashLevels, openZip, parsePolicy, peek, sayOfChecker, termsOf, Wrong } from "checker";
import { fromHex, toHex, utf8 } from "./bytes.js";
import { Refusal } from "./words.js";

const SIGN = 1, REVOKED = 255, ENTRY = 34;

/**
 * Check a bundle and compare it with the checkpoints of exports, whose headers are given. Return the log:
 * `{files, origin, size, root, terms, signers, revokedSince}`, with the terms by the hash of their manifest, the indexes that count, and
 * those that an export, which may be newer, lists as revoked. Throw a Refusal if it does not hold. `tell` gets the part that is done, 0 to 1.
 */
export async function checkedLog(bytes, name, headers, now, tell = () => {}) {
  try {
    const all = openZip(bytes, name);
    const read = async (file) => (["records.jsonl", "sample.json"].includes(file) ? null : all(file)); // of an earlier bundle
    const here = peek(await read("checkpoint")), telling = (key, done, of) => tell(of ? done / of : 0);
    if (headers.some(({ origin }) => origin && origin !== here.lines[0])) throw new Refusal("log_other");
    // The copy may be older than an export. Then it cannot be compared with that export's checkpoint.
    const known = headers.filter(({ size, checkpoint }) => checkpoint && size <= Number(here.size));
    const kept = known.map(({ petition, checkpoint }) => ({ name: petition, data: utf8(checkpoint) }));
    const { result, wrongs } = await check(read, kept, { now, tell: telling });
    if (!result.ok) throw new Refusal("log_wrong", { problem: wrongs[0]() });
    return { ...await walked(read, result, telling), revokedSince: new Set(headers.flatMap(({ revoked }) => revoked)) };
  } catch (error) {
    if (error instanceof Wrong) throw new Refusal("log_unread", { problem: sayOfChecker(error.key, error.values) });
    throw error;
  }
}

async function walked(read, result, tell) {
  const entries = await read("entries"), policy = parsePolicy(await read("policy"));
  const { kinds, manifests } = countEntries(entries, (await hashLevels(entries, tell))[0]);
  const terms = new Map();
  const files = new Map([["checkpoint", await read("checkpoint")], ["policy", await read("policy")], ["entries", entries]]);
  for (const { sha256: hash } of manifests) {
    const file = `manifests/${hash}.json`, data = await read(file);
    terms.set(hash, termsOf(data, hash, result.origin, policy));
    files.set(file, data);
  }
  const signers = [];
  kinds.forEach((kind, index) => { if (kind === SIGN) signers.push(index); });
  return { files, origin: result.origin, size: result.size, root: fromHex(result.root), title: result.title, terms, kinds, signers };
}

/** Return `{records, leftOut}`: the opened records by the index of their entry, and the numbers of those left out, by the reason. */
export function matched(opened, log) {
  const entries = log.files.get("entries"), commitmentAt = (index) => toHex(entries.subarray(index * ENTRY + 2, index * ENTRY + ENTRY));
  const isSignature = (index) => log.kinds[index] === SIGN || log.kinds[index] === REVOKED;
  const places = new Map();
  for (let index = log.size - 1; index >= 0; index--) if (isSignature(index)) places.set(commitmentAt(index), index); // of two, keep the first
  const records = new Map(), leftOut = {};
  for (const one of opened) {
    const known = one.index !== null && one.index < log.size;
    const index = known ? (isSignature(one.index) && commitmentAt(one.index) === one.commitment ? one.index : undefined) : places.get(one.commitment);
    const why = one.unreadable !== null ? "unreadable"
      : !one.checked ? "changed"
        : index === undefined ? (known ? "strange" : "later")
          : log.kinds[index] === REVOKED || log.revokedSince.has(index) ? "revoked"
            : !log.terms.has(one.manifest) ? "noText" : null;
    if (why) leftOut[why] = (leftOut[why] || 0) + 1;
    else records.set(index, one);
  }
  return { records: new Map([...records].sort(([a], [b]) => a - b)), leftOut };
}
