/** Sentences in the language of the page. */

import { en } from "./words/en.js";
import { ko } from "./words/ko.js";

export const LANGUAGES = { en: { name: "English", words: en, locale: "en-GB" }, ko: { name: "한국어", words: ko, locale: "ko-KR" } };

let language = "en";

/** Choose the language of all sentences from now on: a key of LANGUAGES. */
export function speak(chosen) {
  language = chosen;
}

export const spoken = () => language;
export const number = (n) => n.toLocaleString(LANGUAGES[language].locale);

/** Return a day such as "2026-11-29" as people write it. */
export function day(iso) {
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return iso;
  return date.toLocaleDateString(LANGUAGES[language].locale, { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

/** Return the name of a country by its two letters, or the letters if it has no name here. */
export function country(code) {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  try {
    return new Intl.DisplayNames([LANGUAGES[language].locale], { type: "region", fallback: "code" }).of(code);
  } catch {
    return code;
  }
}

/**
 * Return a sentence. {x} is replaced by values.x, numbers with separators; {n|one|more} is the number and its noun.
 * Throws if there is no such sentence.
 */
export function say(key, values = {}) {
  const sentence = LANGUAGES[language].words[key];
  if (sentence === undefined) throw new Error(`no sentence ${key}`);
  return sentence.replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g, (_, name, one, more) => {
    const value = values[name];
    const text = typeof value === "number" ? number(value) : String(value);
    return one === undefined ? text : `${text} ${value === 1 ? one : more}`;
  });
}

/** What could not be done, with the key and the values of the sentence that says why and what to do. */
export class Refusal extends Error {
  constructor(key, values = {}) {
    super(key);
    this.key = key;
    this.values = values;
  }

  sentence() {
    return say(this.key, this.values);
  }
}
