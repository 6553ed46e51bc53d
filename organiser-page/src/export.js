/**
 * Exports: files of sealed records, as the desk or `sabal sealed` writes them. JSON lines: the first names the log and lists the
 * signatures that were withdrawn or invalidated; each other one has a record, as an age file in base64, and its commitment.
 */

import { peek } from "checker";
import { encodingOf, fromBase64, isHex, isWellFormed, utf8 } from "./bytes.js";
import { Refusal } from "./words.js";
import shared from "shared";

const { FORMAT, OLD_FORMAT, MOST_HEADER, MOST_LINE } = shared.exports;

/**
 * Open an export file: return `{header, lines, name, size}`. `lines` yields `[number, text, bytesRead]` once.
 * Throw a Refusal if it is no export. `file` is a File or Blob.
 */
export async function openExport(file) {
  const beginning = new Uint8Array(await file.slice(0, 256).arrayBuffer());
  const start = new TextDecoder("latin1").decode(beginning).replace(/^\u00ef\u00bb\u00bf/, "");
  if (/^\s*(age-encryption\.org\/|-----BEGIN AGE)/.test(start)) throw new Refusal("export_sealed", { file: file.name });
  if (start.startsWith("PK")) throw new Refusal("export_zip", { file: file.name });
  const lines = linesOf(file, beginning);
  const { value } = await lines.next();
  return { header: headerOf(value ? value[1] : "", file.name), lines, name: file.name, size: file.size };
}

/** Return the header in the first line. Throw a Refusal. */
function headerOf(line, file) {
  const first = objectIn(line);
  if (!first || ![FORMAT, OLD_FORMAT].includes(first.format)) throw new Refusal("export_other", { file });
  const damaged = new Refusal("export_damaged", { file });
  const isText = (value) => typeof value === "string" && isWellFormed(value);
  if (!isText(first.petition)) throw damaged;
  if (first.format === OLD_FORMAT) return { petition: first.petition, origin: "", checkpoint: "", size: 0, revoked: [], code: null };
  const { petition, origin, checkpoint, size, revoked, code } = first;
  if (!isText(origin) || !isText(checkpoint) || !Number.isInteger(size) || !Array.isArray(revoked)) throw damaged;
  if (code !== null && !isText(code)) throw damaged;
  if (!revoked.every((index, at) => Number.isInteger(index) && index > (at ? revoked[at - 1] : 0) && index < size)) throw damaged;
  let claimed = null;
  try {
    claimed = checkpoint ? peek(utf8(checkpoint)) : null;
  } catch {
    throw damaged;
  }
  if (Number(claimed ? claimed.size : 0) !== size || (claimed && claimed.lines[0] !== origin)) throw damaged;
  return { petition, origin, checkpoint, size, revoked, code };
}

/**
 * Return `{index, commitment, sealed}` of a record's line: `index` is null if the export has none, `commitment` is hexadecimal,
 * `sealed` is the age file. Return null if the line is damaged.
 */
export function recordIn(text, header) {
  const line = objectIn(text);
  if (!line || !isHex(line.commitment, 32)) return null;
  const sealed = fromBase64(line.record);
  let index = line.index ?? null;
  if (!header.origin) index = null;
  if (sealed === null || (index !== null && !(Number.isInteger(index) && index > 0 && index < header.size))) return null;
  return { index, commitment: line.commitment.toLowerCase(), sealed };
}

/** Return all indexes that an export lists as revoked. Throw a Refusal if the exports are of several petitions. */
export function revokedIn(exports) {
  const headers = exports.map(({ header }) => header);
  const origins = new Set(headers.map(({ origin }) => origin).filter(Boolean)), petitions = new Set(headers.map(({ petition }) => petition));
  if (origins.size > 1 || (petitions.size > 1 && !headers.every(({ origin }) => origin))) throw new Refusal("export_several");
  return new Set(headers.flatMap(({ revoked }) => revoked));
}

function objectIn(line) {
  try {
    const value = JSON.parse(line);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** Yield `[number, line, bytes read so far]`. A line that is longer than an export's can be is cut; it is then no valid JSON. */
async function* linesOf(file, beginning) {
  const decoder = new TextDecoder(encodingOf(beginning)), reader = file.stream().getReader();
  let parts = [], length = 0, number = 0, read = 0;
  const most = () => (number ? MOST_LINE : MOST_HEADER);
  const add = (part) => { // joined once per line: a long one comes in many parts
    if (length < most()) parts.push(part.slice(0, most() - length));
    length += part.length;
  };
  const ended = () => {
    const line = parts.join("");
    [parts, length] = [[], 0];
    return [++number, line, read];
  };
  for (;;) {
    const { done, value } = await reader.read();
    if (value) read += value.length;
    const lines = decoder.decode(value, { stream: !done }).split("\n"), last = lines.pop();
    for (const line of lines) {
      add(line);
      yield ended();
    }
    add(last);
    if (done) break;
  }
  if (length) yield ended();
}
