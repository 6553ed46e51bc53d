import assert from "node:assert/strict";
import { test } from "node:test";
import { Encrypter, armor, generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption";
import { readKeyFile, recipientsIn } from "../src/keyfile.js";
import { utf8 } from "../src/bytes.js";

const identities = (text) => readKeyFile(utf8(text), "key").identities;
const refusal = (work) => {
  try {
    work();
  } catch (error) {
    return error.key;
  }
  return null;
};

test("keys are found as people keep them", async () => {
  for (const key of [await generateX25519Identity(), await generateHybridIdentity()]) {
    assert.deepEqual(identities(key), [key]);
    assert.deepEqual(identities(`# a note\r\n> ${key.toLowerCase()},\r\n`), [key]);
    assert.deepEqual(identities(`\ufeff“${key.replaceAll("-", "–")}”`), [key]);
    assert.deepEqual(identities(`${key.slice(0, 40)}\n${key.slice(40)}\n`), [key]);
    const wide = new Uint8Array([0xff, 0xfe, ...Array.from(key).flatMap((letter) => [letter.charCodeAt(0), 0])]);
    assert.deepEqual(readKeyFile(wide, "key").identities, [key]);
    assert.deepEqual(readKeyFile(wide.subarray(2), "key").identities, [key]); // without the mark
    assert.deepEqual(identities(`page 1\f${key}`), [key]);
    assert.equal(refusal(() => identities(key.slice(0, -1))), "key_damaged");
  }
});

test("public keys of both kinds are found, also in lines that were broken", async () => {
  const keys = await Promise.all([generateX25519Identity(), generateHybridIdentity()].map(async (key) => identityToRecipient(await key)));
  assert.deepEqual(recipientsIn(keys.join("\n")), keys);
  assert.deepEqual(recipientsIn(keys[1].replace(/(.{76})/g, "$1\n")), [keys[1]]);
  assert.deepEqual(recipientsIn(`${keys[1].slice(0, 18)} … ${keys[1].slice(-12)}\n${keys[0]}`), [keys[0]]);
  assert.equal(refusal(() => recipientsIn("hello")), "recipient_none");
  assert.equal(refusal(() => recipientsIn(`${keys[0].slice(0, -1)}q`)), "recipient_damaged");
  for (let times = 0; times < 3; times++) assert.equal(refusal(() => identities(keys[0])), "key_public");
  assert.deepEqual(recipientsIn(keys[0]), [keys[0]]); // also after it was refused as a secret key
});

test("what only looks like a key is read in linear time", { timeout: 5000 }, () => {
  for (const text of [`${" ".repeat(500_000)}x`, `age1${"q".repeat(500_000)}`, `age1\n${"q".repeat(5000)}\n`.repeat(100)]) {
    assert.match(refusal(() => readKeyFile(utf8(text), "key")), /^key_(none|public)$/);
    assert.match(refusal(() => recipientsIn(text)), /^recipient_(none|damaged)$/);
  }
});

test("a secret key is refused as a public one", async () => {
  assert.equal(refusal(() => recipientsIn("AGE-SECRET-KEY-1QQQ")), "recipient_secret");
  assert.equal(refusal(() => recipientsIn("A\u200bGE–SECRET-KEY-1QQQ")), "recipient_secret");
  assert.equal(refusal(() => recipientsIn("-----BEGIN AGE ENCRYPTED FILE-----")), "recipient_secret");
});

test("a locked key is found in its text, however its lines are broken", async () => {
  const encrypter = new Encrypter();
  encrypter.setPassphrase("four random words here");
  encrypter.setScryptWorkFactor(2);
  const locked = await encrypter.encrypt("AGE-SECRET-KEY-1…"), text = armor.encode(locked);
  const [begin, ...lines] = text.trim().split("\n"), end = lines.pop(), inside = lines.join("");
  for (const form of [text, text.replaceAll("\n", "\r\n"), `Key:\n> ${text.trim().replaceAll("\n", "\n> ")}`, [begin, ...inside.match(/.{1,20}/g), end].join("\n")]) {
    assert.deepEqual(readKeyFile(utf8(form), "key").locked, locked);
  }
  assert.deepEqual(readKeyFile(locked, "key").locked, locked);
  assert.equal(refusal(() => readKeyFile(utf8(`${begin}\n${inside}`), "key")), "key_cut");
});

test("a file that is locked for a key is no key file", async () => {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()));
  const sealed = await encrypter.encrypt("x");
  assert.equal(refusal(() => readKeyFile(sealed, "key")), "key_sealed");
});

test("the other files that people choose are named", () => {
  assert.equal(refusal(() => identities("hello")), "key_none");
  assert.equal(refusal(() => identities('{"format": "sabal sealed records, version 2"}')), "key_export");
  assert.equal(refusal(() => readKeyFile(new Uint8Array(2 ** 20 + 1), "key")), "key_large");
});
