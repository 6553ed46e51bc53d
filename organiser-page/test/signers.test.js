import assert from "node:assert/strict";
import { test } from "node:test";
import { strFromU8, unzipSync } from "fflate";
import { COLUMNS, asCsv, asXlsx, harmless } from "../src/signers.js";
import { harmlessName } from "../src/dom.js";
import { casefold, emailOf, split } from "../src/comparing.js";
import { suggested } from "../src/newkey.js";

const one = (fields) => ({ fields: { name: "", email: "", place: "", comment: "", consent: "", day: "", ...fields }, language: "ko", index: 7, checked: true });

test("no cell begins a formula", () => {
  for (const cell of ["=1+1", "+1", "-1", "@x", "＝1", "\t=1", "a;=1", "a|\n +1"]) {
    assert.notEqual(harmless(cell), cell);
    assert.equal(harmless(cell).replaceAll("'", ""), cell);
  }
  assert.deepEqual(["\r=1", "\r  =1", "\rx", "a;; =1;"].map(harmless), ["\r'=1", "\r  '=1", "'\rx", "a;; '=1;"]); // as `spreadsheet.py`
  for (const cell of ["", "Suzie", "a = b", "010-1234", "O'Neil"]) assert.equal(harmless(cell), cell);
});

test("hostile texts of the length of a line are written in linear time", { timeout: 5000 }, () => {
  const blanks = "\n ".repeat(100_000);
  assert.equal(harmless(`${blanks}x`), `${blanks}x`);
  assert.equal(emailOf(`a${blanks}@b${" ".repeat(200_000)}c`)[1], `b${" ".repeat(200_000)}c`);
  assert.equal(emailOf(`a@b${".".repeat(200_000)}c`)[0].length, 200_004);
  assert.equal(emailOf(`é${"\u200b".repeat(100_000)}@b${"\u3164".repeat(100_000)}c`), null);
});

test("Excel shows a name as it is, also one that looks like its code for a letter", async () => {
  const book = unzipSync(new Uint8Array(await (await asXlsx([one({ name: "_x0041_ <b>", comment: "a\u0001" })], "signatures")).arrayBuffer()));
  const all = Object.values(book).map(strFromU8).join("");
  assert.ok(all.includes("_x005F_x0041_ &lt;b&gt;") && all.includes("<t>a</t>") && !all.includes(">_x0041_"));
});

test("a name that every object has as a property does not spoil the Excel file", async () => {
  const names = ["constructor", "__proto__", "toString"];
  const book = unzipSync(new Uint8Array(await (await asXlsx(names.map((name) => one({ name })), "signatures")).arrayBuffer()));
  const cells = [...strFromU8(book["xl/worksheets/sheet1.xml"]).matchAll(/<v>(.*?)<\/v>/g)].map(([, value]) => value);
  assert.ok(cells.every((value) => /^\d+$/.test(value)), cells.join());
  const texts = [...strFromU8(book["xl/sharedStrings.xml"]).matchAll(/<t>(.*?)<\/t>/g)].map(([, text]) => text.replace(/_x([0-9a-f]{4})_/gi, (_, code) => String.fromCharCode(parseInt(code, 16))));
  for (const name of names) assert.ok(texts.includes(name), name);
});

test("the name of a file comes from a server, and leads nowhere", () => {
  assert.equal(harmlessName("trees-bundle.zip.age"), "trees-bundle.zip.age");
  assert.equal(harmlessName("../../a\\b:c.csv"), "__.._a_b_c.csv");
  assert.equal(harmlessName("x\u202evsc.exe"), "x_vsc.exe");
  assert.equal(harmlessName(`${"a".repeat(500)}.xlsx`).length, 120);
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
