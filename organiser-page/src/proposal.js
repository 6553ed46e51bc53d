/** Propose revocations by the patterns in opened records, as `sabal audit` does, and write the file that the desk reads. */

import { asJson } from "./bytes.js";
import shared from "shared";

const ENOUGH_KINDS = shared.limits.ENOUGH_KINDS;
const PATTERNS = shared.patterns; // by key: {kind, title, why}

/**
 * Return `[{index, reason, why}]`, ascending: the later signatures of one mailbox, those with signs of two kinds, and all of the
 * patterns in `also`.
 */
export function propose(groups, also = []) {
  const duplicates = new Set(), signs = new Map(), kinds = new Map(), requested = new Set();
  for (const { pattern, indexes } of groups) {
    if (pattern === "mailbox") {
      for (const index of indexes.slice(1)) duplicates.add(index);
      continue;
    }
    for (const index of indexes) {
      if (!signs.has(index)) {
        signs.set(index, new Map());
        kinds.set(index, new Set());
      }
      signs.get(index).set(pattern, PATTERNS[pattern].why);
      kinds.get(index).add(PATTERNS[pattern].kind);
      if (also.includes(pattern)) requested.add(index);
    }
  }
  const automated = new Set([...requested, ...[...kinds].filter(([, found]) => found.size >= ENOUGH_KINDS).map(([index]) => index)]);
  return [...new Set([...duplicates, ...automated])].sort((a, b) => a - b).map((index) => (duplicates.has(index)
    ? { index, reason: "duplicate", why: PATTERNS.mailbox.why }
    : { index, reason: "automated", why: `looks like: ${[...signs.get(index).values()].join("; ")}` }));
}

/** Return the lines of the file of revocations for a log of this origin and size. It holds no personal data. */
export function revocationFile(origin, size, proposed) {
  return [{ format: shared.revocationFormat, origin, size }, ...proposed].map((line) => `${asJson(line)}\n`).join("");
}

/** Return the records by the index in their export, as `[index, record]`, and the numbers of those left out, by the reason. */
export function byIndex(records) {
  const found = new Map(), leftOut = {};
  for (const one of records) {
    const why = one.unreadable !== null ? "unreadable" : !one.checked ? "changed" : one.index === null ? "noIndex" : null;
    if (why) leftOut[why] = (leftOut[why] || 0) + 1;
    else found.set(one.index, one);
  }
  return { records: found, leftOut };
}
