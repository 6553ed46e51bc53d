import assert from "node:assert/strict";
import { test } from "node:test";
import { openExport } from "../src/export.js";
import { openRecords } from "../src/opening.js";
import { openRecord } from "../src/sealed.js";
import { utf8 } from "../src/bytes.js";
import { Refusal } from "../src/words.js";
import shared from "shared";

const HASH = (n) => String(n).padStart(64, "0");
const line = (index, commitment, record = "AAAA") => JSON.stringify({ index, commitment: HASH(commitment), record });
const OLD = JSON.stringify({ format: shared.exports.OLD_FORMAT, petition: "trees" });

// An export of version 2 needs a checkpoint, which the tests in the browser have. Version 1 has no indexes.
const exported = (lines, name = "export.jsonl") => openExport(new File([[OLD, ...lines].join("\n"), "\n"], name));
const opens = (checked) => async (sealed) => sealed.map(({ commitment }) => ({ fields: { name: commitment.slice(-1) }, language: "en", manifest: "", seed: "", robot: false, checked: checked(commitment) }));

test("each record comes once, in the order of the file, although later ones are opened first", async () => {
  const lines = Array.from({ length: 95 }, (_, n) => line(n, n % 90));
  let calls = 0;
  const slowFirst = async (sealed) => {
    const turn = calls++;
    await new Promise((go) => { setTimeout(go, 30 - 6 * turn); });
    return opens(() => true)(sealed);
  };
  const opened = await openRecords([await exported(lines)], slowFirst, { width: 4 });
  assert.deepEqual(opened.map(({ commitment }) => commitment), Array.from({ length: 90 }, (_, n) => HASH(n)));
});

test("a record that was not signed does not replace the signed one", async () => {
  let times = 0;
  const second = opens(() => times++ > 0);
  const opened = await openRecords([await exported([line(1, 7), line(1, 7)])], second);
  assert.deepEqual(opened.map(({ checked }) => checked), [false, true]);
});

test("damaged lines are told by their number, and the others follow", async () => {
  const opened = await openRecords([await exported(["{", line(1, 7, "?"), "", JSON.stringify({ index: 1 }), line(1, 8)])], opens(() => true));
  assert.deepEqual(opened.map(({ unreadable }) => unreadable), [2, 3, 4, 5, null]);
});

test("what cannot be opened is unreadable, and keeps its commitment", async () => {
  const [one] = await openRecords([await exported([line(1, 7)])], async (sealed) => sealed.map(() => null));
  assert.equal(one.unreadable, 2);
  assert.equal(one.commitment, HASH(7));
  assert.equal(one.checked, false);
});

test("progress reaches the end, and cancelling stops", async () => {
  const lines = Array.from({ length: 500 }, (_, n) => line(n, n)), parts = [];
  await openRecords([await exported(lines)], opens(() => true), { progress: (done, part) => parts.push([done, part]) });
  assert.equal(parts.at(-1)[0], 500);
  assert.ok(parts.every(([, part], at) => part <= 1 && (!at || part >= parts[at - 1][1])));
  const stop = new AbortController(), reason = new Refusal("names_cancelled");
  const stopping = async (sealed) => { stop.abort(reason); return opens(() => true)(sealed); };
  await assert.rejects(openRecords([await exported(lines)], stopping, { signal: stop.signal }), reason);
});

test("a line that comes in many parts is read whole, and one that never ends is cut", { timeout: 5000 }, async () => {
  const long = JSON.stringify({ format: shared.exports.OLD_FORMAT, petition: "x".repeat(20_000_000) });
  const { header } = await openExport(new File([long, "\n"], "long.jsonl"));
  assert.equal(header.petition.length, 20_000_000);
  const opened = await openRecords([await exported(["x".repeat(5_000_000), line(1, 8)])], opens(() => true));
  assert.deepEqual(opened.map(({ unreadable }) => unreadable), [2, null]);
});

test("an export in UTF-16 is read, with and without its mark", async () => {
  const text = `${OLD}\n${line(1, 7)}\n`, wide = new Uint8Array(Uint16Array.from(text, (letter) => letter.charCodeAt(0)).buffer);
  for (const mark of [[0xff, 0xfe], []]) {
    const opened = await openRecords([await openExport(new File([Uint8Array.from(mark), wide], "export.jsonl"))], opens(() => true));
    assert.deepEqual(opened.map(({ unreadable }) => unreadable), [null]);
  }
});

test("no content of a record stops the others", async () => {
  const fields = { name: "a", email: "", place: "", comment: "", consent: "", day: "" };
  const record = { fields, lang: "en", manifest: HASH(1), seed: HASH(2) };
  const opened = async (text) => openRecord(async () => utf8(text), { sealed: null, commitment: HASH(3) });
  const of = (changes) => opened(JSON.stringify({ ...record, ...changes }));
  const deep = `${"[".repeat(50_000)}1${"]".repeat(50_000)}`;
  assert.equal((await opened(`${JSON.stringify(record).slice(0, -1)}, "risk": {"trap": ${deep}}}`)).robot, true);
  for (const [risk, robot] of [[{ trap: true }, true], [{ trap: [], hours: 0, text: "" }, false], [[1], false], [undefined, false], [null, false]]) {
    assert.equal((await of({ risk })).robot, robot);
  }
  for (const changes of [{ manifest: `${HASH(1)}0` }, { manifest: "00" }, { seed: "" }, { lang: undefined }, { lang: 1 }, { fields: { ...fields, name: true } }, { fields: { ...fields, name: "\ud800" } }, { fields: null }]) {
    assert.equal(await of(changes), null);
  }
  assert.equal(await opened(JSON.stringify(record).replace('"name":"a",', '"__proto__":{"name":"eve"},')), null);
  assert.equal({}.name, undefined);
});

test("other files are named for what they are", async () => {
  const refused = async (content) => {
    try {
      await openExport(new File([content], "file"));
    } catch (error) {
      return error.key;
    }
    return null;
  };
  assert.equal(await refused("age-encryption.org/v1\n"), "export_sealed");
  assert.equal(await refused("PK\u0003\u0004"), "export_zip");
  assert.equal(await refused("name,email\n"), "export_other");
  assert.equal(await refused(""), "export_other");
  assert.equal(await refused(JSON.stringify({ format: shared.exports.FORMAT, petition: "trees" })), "export_damaged");
  assert.equal(await refused(`${OLD}\n`), null);
});
