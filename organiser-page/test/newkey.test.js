import assert from "node:assert/strict";
import { test } from "node:test";
import { LEAST_PASSPHRASE, lengthOf, suggested } from "../src/newkey.js";

test("a character of Korean, Chinese or Japanese counts twice", () => {
  assert.equal(lengthOf("correct horse"), 13);
  assert.equal(lengthOf("바다 사과 구름 연필"), 19);
  assert.equal(lengthOf("海とりんご"), 10);
  assert.equal(lengthOf("𠀀é"), 3);
  assert.ok(lengthOf("바다사과구름") >= LEAST_PASSPHRASE && lengthOf("바다사과구") < LEAST_PASSPHRASE);
  assert.ok(lengthOf(suggested()) >= LEAST_PASSPHRASE);
});
