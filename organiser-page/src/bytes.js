/** Bytes, hexadecimal and base64, and JSON as Python writes it. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const encoder = new TextEncoder();

export const toHex = (bytes) => Array.from(bytes, (byte) => HEX[byte]).join("");
export const utf8 = (text) => encoder.encode(text);
export const isWellFormed = (text) => !/[\ud800-\udfff]/u.test(text);
export const isHex = (text, bytes) => typeof text === "string" && text.length === 2 * bytes && /^[0-9a-f]*$/i.test(text);

/** Return the text without these characters at its ends. A pattern such as / +$/ takes quadratic time in a long row of them. */
export function trimmed(text, around) {
  let from = 0, to = text.length;
  while (from < to && around.has(text[from])) from++;
  while (to > from && around.has(text[to - 1])) to--;
  return text.slice(from, to);
}

/** Return the encoding of a text by its first bytes, as `textfile.py` does: UTF-16 has a mark, or zeros in every second byte. */
export function encodingOf(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const beginning = bytes.subarray(0, 256), zeros = [0, 0];
  beginning.forEach((byte, at) => { if (byte === 0) zeros[at % 2] += 1; });
  const [high, low] = zeros;
  if (Math.max(high, low) <= Math.floor(beginning.length / 8) || Math.min(high, low) * 4 >= Math.max(high, low)) return "utf-8";
  return low > high ? "utf-16le" : "utf-16be";
}

/** Return the bytes of hexadecimal text. The text must be valid. */
export function fromHex(text) {
  return Uint8Array.from({ length: text.length / 2 }, (_, at) => Number.parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/** Return the bytes of base64 text (RFC 4648, with padding); null if it is none. */
export function fromBase64(text) {
  if (typeof text !== "string" || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

export function joined(...parts) {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Return the eight bytes of a number, the highest first. */
export function eightBytes(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** Return JSON in one line, with the blanks that Python's `json.dumps` writes: files of both are then the same. */
export function asJson(value) {
  if (Array.isArray(value)) return `[${value.map(asJson).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${asJson(inner)}`).join(", ")}}`;
}
