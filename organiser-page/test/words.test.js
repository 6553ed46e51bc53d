import assert from "node:assert/strict";
import { test } from "node:test";
import { LANGUAGES, say, speak } from "../src/words.js";

const values = (sentence) => [...new Set([...sentence.matchAll(/\{(\w+)/g)].map(([, name]) => name))].sort();

test("every language has every sentence, with the same values", () => {
  const { en, ...others } = LANGUAGES;
  for (const { words } of Object.values(others)) {
    assert.deepEqual(Object.keys(words), Object.keys(en.words));
    for (const [key, sentence] of Object.entries(en.words)) assert.deepEqual(values(words[key]), values(sentence), key);
  }
});

test("a number has its noun, and separators", () => {
  speak("en");
  assert.equal(say("names_progress", { done: 1 }), "1 record opened");
  assert.equal(say("names_progress", { done: 12345 }), "12,345 records opened");
  assert.throws(() => say("no_such_sentence"));
});
