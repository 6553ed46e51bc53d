/** The opened records as tables: CSV and XLSX whose cells no spreadsheet takes for formulas. */

import writeXlsxFile from "write-excel-file/universal";
import { RECORD_FIELDS } from "./record.js";
import shared from "shared";

export const COLUMNS = shared.columns;
const BEGINNINGS = `[${Array.from(shared.formulaBeginnings, (character) => `\\u{${character.codePointAt(0).toString(16)}}`).join("")}]`;
const BLANK = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
// Each place is looked at backwards from the character that begins a formula: forwards, long rows of blanks take quadratic time.
const FORMULA = new RegExp(`(?=${BEGINNINGS})(?<=^|[;|\\r\\n]${BLANK}*)|^(?=\\t|\\r(?!${BLANK}*${BEGINNINGS}))`, "gu");

/** Return the cells of a record, in the order of COLUMNS. */
export function row(one) {
  return [...RECORD_FIELDS.map((name) => one.fields[name]), one.language, one.index === null ? "" : String(one.index), one.checked ? "yes" : "NO"];
}

/** Return a cell that is text: with an apostrophe before a possible formula (OWASP, CSV injection). */
export const harmless = (cell) => cell.replace(FORMULA, "'");

/** Return the records as pieces of CSV (RFC 4180), as `sabal open` writes it. */
export function asCsv(records) {
  return [csvLine(COLUMNS), ...records.map((one) => csvLine(row(one)))];
}

/** Return the records as an XLSX file, a Blob: each cell is text. */
export function asXlsx(records, sheet) {
  const heading = COLUMNS.map((value) => ({ value, type: String, fontWeight: "bold" }));
  const rows = records.map((one) => row(one).map((value) => ({ value: xmlText(value), type: String })));
  const widths = { name: 28, email: 32, comment: 48 };
  const columns = COLUMNS.map((name) => ({ width: widths[name] || 11 }));
  return writeXlsxFile([heading, ...rows], { sheet, columns, stickyRowsCount: 1 }).toBlob();
}

function csvLine(cells) {
  return `${cells.map((cell) => {
    const text = harmless(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  }).join(",")}\r\n`;
}

/** Return the text of an XLSX cell. What XML cannot have, the library leaves out. */
function xmlText(text) {
  // Excel reads _x0041_ as A (ECMA-376, ST_Xstring). A cell has at most 32,767 characters.
  const escaped = text.replace(/_(?=x[0-9a-f]{4}_)/gi, "_x005F_").slice(0, 32_767);
  // The library looks strings up in an object, so a name such as "constructor" would not be found to be new.
  return escaped in {} ? `_x${escaped.charCodeAt(0).toString(16).padStart(4, "0")}_${escaped.slice(1)}` : escaped;
}
