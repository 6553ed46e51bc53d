/** One spelling for equal names and email addresses, as `typed.py` and `mail/address.py` have it. */

import { trimmed } from "./bytes.js";
import shared from "shared";

const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
const AROUND = new Set(shared.around), BLANKS = new Set("\t\n\v\f\r\x1c\x1d\x1e\x1f "), DOTS = new Set(".");
const FOLDED = new Map(Object.entries(shared.casefold)), WITHIN = new Map(Object.entries(shared.withinAddress));
const GOOGLE = new Set(shared.google);

/** Return the words of a text, as Python splits it. */
export const split = (text) => text.split(SPACES).filter(Boolean);

/** Return a text without the difference between capitals and small letters (Unicode, default case folding). */
export function casefold(text) {
  return Array.from(text, (letter) => FOLDED.get(letter) ?? letter.toLowerCase()).join("");
}

/** Return the normalised address and the domain in lower case and ASCII, of an address that was stored; null if it is none. */
export function emailOf(text) {
  const address = compact(text), split = address.lastIndexOf("@");
  let local = address.slice(0, Math.max(split, 0)).toLowerCase().normalize("NFC"), domain = address.slice(split + 1).toLowerCase();
  if (!local || !domain) return null;
  domain = domain.slice(0, trimmed(`a${domain}`, DOTS).length - 1);
  if (!/^[\x00-\x7f]*$/.test(domain)) {
    if (/[\s/\\:?#[\]%]/.test(domain)) return null; // in an address of a page it would end the domain
    try {
      domain = new URL(`http://${domain}`).hostname;
    } catch {
      return null;
    }
  }
  if (!GOOGLE.has(domain)) return [`${local}@${domain}`, domain];
  local = local.split("+", 1)[0].replaceAll(".", "");
  return [`${local}@gmail.com`, domain];
}

function compact(text) {
  if (/^[\x00-\x7f]*$/.test(text)) return trimmed(text, BLANKS);
  return trimmed(Array.from(text, (letter) => WITHIN.get(letter) ?? letter).join("").normalize("NFC"), AROUND);
}
