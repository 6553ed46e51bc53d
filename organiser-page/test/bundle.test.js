import assert from "node:assert/strict";
import { test } from "node:test";
import { offered, plan, refuseLate } from "../src/bundle.js";
import { drainProof } from "../src/deleting.js";
import { matched } from "../src/log.js";
import { joined, utf8 } from "../src/bytes.js";
import { RECORD_FIELDS } from "../src/record.js";

const KEPT = { retention: "2027-12-31" };
const log = (...terms) => ({ terms: new Map(terms.map((one, at) => [String(at), { ...KEPT, ...one }])), signers: [1, 2, 3], root: new Uint8Array(32) });
const asked = (show, wanted = null, changes = {}) => ({ show, wanted, today: "2026-11-29", seed: "lottery 7", number: 2, ...changes });
const COUNT = { recipients_get: "count" }, SAMPLE = { recipients_get: "sample" }, NAMES = { recipients_get: "names" }, AUDIT = { sample_audit: true };
const refusal = (work) => {
  try {
    work();
  } catch (error) {
    return error.key;
  }
  return null;
};

test("names are offered if one of the texts promised them, a sample if all did", () => {
  assert.deepEqual(offered(log(NAMES, COUNT), "names"), ["name", "place"]);
  assert.equal(offered(log(COUNT, SAMPLE, AUDIT), "names"), null);
  assert.deepEqual(offered(log(SAMPLE, AUDIT), "sample"), RECORD_FIELDS);
  assert.equal(offered(log(AUDIT, COUNT), "sample"), null);
  assert.equal(offered(log({ recipients_get: ["names"] }, { recipients_get: { toString: "names" } }, {}), "names"), null);
});

test("a record of each text shows what that text promised", () => {
  assert.deepEqual([...plan(log(NAMES, COUNT), asked("names")).fields], [["0", ["name", "place"]]]);
  const usual = [...plan(log(SAMPLE, AUDIT), asked("sample")).fields.values()];
  assert.deepEqual(usual, [["name", "place"], ["name", "email", "place", "day"]]);
  assert.equal(refusal(() => plan(log(SAMPLE, AUDIT), asked("sample", ["name", "email"]))), "promise_over");
  assert.equal(refusal(() => plan(log(NAMES), asked("names", ["name", "email"]))), "promise_over");
  assert.equal(refusal(() => plan(log(AUDIT, COUNT), asked("sample"))), "promise_none");
  assert.deepEqual(plan(log(SAMPLE), asked("sample", null, { number: 9 })).sample.indexes, [1, 2, 3]);
});

test("records are shown until the promised day and on it, if it is a day", () => {
  const late = (retention, today) => refusal(() => refuseLate({ retention }, today));
  assert.equal(late("2026-11-29", "2026-11-29"), null);
  assert.equal(late("2026-11-28", "2026-11-29"), "promise_late");
  for (const none of [undefined, null, 2027, "", "9999-99-99", "2027-02-30", "2027-1-1", "2027-12-31T00:00"]) assert.equal(late(none, "2026-11-29"), "promise_noDay");
});

test("what the log or an export lists as revoked is left out, with and without its number", () => {
  const hash = (n) => String(n).padStart(64, "0"), entries = joined(...[0, 1, 2, 3].map((n) => Uint8Array.of(1, n ? 1 : 0, ...new Array(31).fill(0), n)));
  const copy = { files: new Map([["entries", entries]]), kinds: [0, 1, 1, 255], size: 4, terms: new Map([["m", {}]]), revokedSince: new Set([2]) };
  const one = (n, index) => ({ index, commitment: hash(n), manifest: "m", checked: true, unreadable: null });
  for (const index of [(n) => n, () => null]) {
    const { records, leftOut } = matched([one(1, index(1)), one(2, index(2)), one(3, index(3))], copy);
    assert.deepEqual([[...records.keys()], leftOut], [[1], { revoked: 2 }]);
  }
});

test("the proof is made over the bytes of the code, without blanks", () => {
  const proof = (bytes) => drainProof(Uint8Array.from(bytes), ["00".repeat(32)]);
  assert.equal(proof([0x61, 0x0a, 0x20, 0x62]), proof([0x61, 0x62]));
  assert.notEqual(proof([0xe9]), proof([...utf8("é")]));
});
