import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMNS, asCsv, harmless } from "../src/signers.js";
import { casefold, emailOf, split } from "../src/comparing.js";
import { suggested } from "../src/newkey.js";

const one = (fields) => ({ fields: { name: "", email: "", place: "", comment: "", consent: "", day: "", ...fields }, language: "ko", index: 7, checked: true });

test("no cell begins a formula", () => {
  for (const cell of ["=1+1", "+1", "-1", "@x", "＝1", "\t=1", "a;=1", "a|\n +1"]) {
    assert.notEqual(harmless(cell), cell);
    assert.equal(harmless(cell).replaceAll("'", ""), cell);
  }
  for (const cell of ["", "Suzie", "a = b", "010-1234", "O'Neil"]) assert.equal(harmless(cell), cell);
});

test("CSV is quoted where it must be", () => {
  const [head, row] = asCsv([one({ name: 'Kim, "M"', comment: "two\nlines" })]);
  assert.equal(head, `${COLUMNS.join(",")}\r\n`);
  assert.equal(row, '"Kim, ""M""",,,"two\nlines",,,ko,7,yes\r\n');
});

test("names are compared without case, in every script", () => {
  for (const [a, b] of [["STRASSE", "straße"], ["ΣΊΣΥΦΟΣ", "σίσυφος"], ["İ", "i̇"], ["ꭰ", "Ꭰ"]]) assert.equal(casefold(a), casefold(b));
  assert.deepEqual(split(" a\u3000b \u00a0c "), ["a", "b", "c"]);
});

test("one mailbox has one spelling", () => {
  assert.deepEqual(emailOf("K.Im+x@GoogleMail.com"), ["kim@gmail.com", "googlemail.com"]);
  assert.deepEqual(emailOf("ｕｓｅｒ＠Example。org"), ["user@example.org", "example.org"]);
  assert.deepEqual(emailOf("a.b+c@bücher.example"), ["a.b+c@xn--bcher-kva.example", "xn--bcher-kva.example"]);
  for (const text of ["", "a", "@b", "a@"]) assert.equal(emailOf(text), null);
});

test("a suggested passphrase is long, and another each time", () => {
  const some = new Set(Array.from({ length: 100 }, suggested));
  assert.equal(some.size, 100);
  for (const one of some) assert.match(one, /^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$/);
});
