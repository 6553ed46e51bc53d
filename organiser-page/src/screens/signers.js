/** The signers: a table to search, sort and filter, the numbers by country and day, and files for spreadsheets. */

import { Wrongs, button, doing, draw, drawn, field, labelled, make, paragraph, save, text } from "../dom.js";
import { asCsv, asXlsx } from "../signers.js";
import { Refusal, country, day, number, say } from "../words.js";

// A hostile server can write as many days and countries as records. Excel has no more rows.
const PAGE = 50, MOST_BARS = 12, MOST_DAYS = 1000, MOST_CHOICES = 1000, MOST_ROWS = 1_048_575;
const SHOWN = ["index", "name", "email", "place", "day", "comment", "checked"];
const VALUES = {
  index: (one) => one.index ?? Infinity,
  place: (one) => country(one.fields.place),
  checked: (one) => one.checked,
};

export function signersTab({ records, exports }) {
  const state = { search: "", place: "", day: "", checked: "", by: "", down: false, page: 0 };
  const searchable = new Map();
  const textOf = (one) => {
    if (!searchable.has(one)) searchable.set(one, Object.values(one.fields).join("\n").normalize("NFKC").toLowerCase());
    return searchable.get(one);
  };
  const found = () => {
    const words = state.search.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
    const kept = records.filter((one) => (!state.place || one.fields.place === state.place) && (!state.day || one.fields.day === state.day)
      && (!state.checked || String(one.checked) === state.checked) && words.every((word) => textOf(one).includes(word)));
    return sorted(kept, state.by, state.down);
  };
  const table = make("div");
  drawn(table, () => tableOf(found(), state, table));
  const again = () => { state.page = 0; table.redraw(); };
  const name = exports[0].header.petition || "signatures", wrongs = new Wrongs();
  const xlsx = button("signers_xlsx", () => doing(xlsx, wrongs, async () => {
    const rows = found();
    if (rows.length > MOST_ROWS) throw new Refusal("signers_many", { most: MOST_ROWS });
    save(`${name}.xlsx`, await asXlsx(rows, "signatures"));
  }));
  const csv = button("signers_csv", () => save(`${name}.csv`, ["\ufeff", ...asCsv(found())], "text/csv"), "plain");
  return make("div", {},
    make("p", { className: "actions" }, xlsx, csv), wrongs.element,
    paragraph("signers_files", {}, "hint"),
    filters(records, state, again), table,
    make("h2", {}, text("charts")), drawn(make("div", { className: "charts" }), () => [chart("chart_country", byValue(records, "place"), (code) => (code ? country(code) : say("chart_noCountry"))), chart("chart_day", byValue(records, "day").sort(([a], [b]) => (a < b ? -1 : 1)), day, MOST_DAYS)]));
}

function filters(records, state, again) {
  const search = make("input", { type: "search", oninput: () => { state.search = search.value; again(); } });
  const select = (name, values, write) => {
    const input = make("select", { onchange: () => { state[name] = input.value; again(); } });
    return drawn(input, () => {
      const options = [make("option", { value: "" }, say(`filter_${name}All`)), ...values.slice(0, MOST_CHOICES).map((value) => make("option", { value }, write(value)))];
      for (const option of options) option.selected = option.value === state[name];
      return options;
    });
  };
  const places = byValue(records, "place").map(([place]) => place).filter(Boolean), days = byValue(records, "day").map(([one]) => one).sort();
  return make("div", { className: "filters" },
    field("filter_search", search), field("filter_place", select("place", places, country)), field("filter_day", select("day", days, day)),
    field("filter_checked", select("checked", ["true", "false"], (value) => say(`filter_${value}`))));
}

function tableOf(found, state, table) {
  const from = state.page * PAGE, to = Math.min(from + PAGE, found.length);
  if (!found.length) return paragraph("signers_none");
  const turn = (key, step, possible) => {
    const turning = button(key, () => {
      state.page += step;
      table.redraw();
      table.querySelector(`[data-turn="${step}"]:enabled, [data-turn]`)?.focus();
    }, "plain");
    turning.disabled = !possible;
    turning.dataset.turn = step;
    return turning;
  };
  const head = SHOWN.map((name) => make("th", { scope: "col", className: name === "index" ? "number" : "", "aria-sort": state.by === name ? (state.down ? "descending" : "ascending") : null },
    make("button", { type: "button", className: "link", onclick: () => {
      state.down = state.by === name && !state.down;
      state.by = name;
      state.page = 0;
      table.redraw();
      table.querySelectorAll("thead button")[SHOWN.indexOf(name)].focus();
    } }, text(`f_${name}`), state.by === name ? (state.down ? " ↓" : " ↑") : "")));
  const rows = found.slice(from, to).map((one) => make("tr", {}, ...SHOWN.map((name) => cell(one, name))));
  const scroll = labelled(make("div", { className: "scroll", tabIndex: 0, role: "region" }, make("table", { className: "rows" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows))), "signers");
  const place = make("span", { role: "status" }, text("signers_page", { from: from + 1, to, all: found.length }));
  return [scroll, make("div", { className: "pages" }, ...(found.length > PAGE ? [turn("previous", -1, state.page > 0), place, turn("next", 1, to < found.length)] : [place]))];
}

function cell(one, name) {
  const properties = { "data-head": say(`f_${name}`) };
  if (name === "index") return make("td", { ...properties, className: "number" }, one.index === null ? "–" : number(one.index));
  if (name === "checked") return make("td", { ...properties, className: one.checked ? "" : "no" }, say(one.checked ? "yes" : "no"));
  const value = { place: country, day }[name]?.(one.fields[name]) ?? one.fields[name];
  return make("td", { ...properties, className: value === "" ? "empty" : "" }, one.unreadable !== null && name === "name" ? make("i", {}, say("unreadable", { line: one.unreadable })) : make("bdi", {}, value));
}

function sorted(records, by, down) {
  if (!by) return records; // as the export has them
  const value = VALUES[by] || ((one) => one.fields[by]), collator = new Intl.Collator(), sign = down ? -1 : 1;
  const compare = (a, b) => (typeof a === "string" ? collator.compare(a, b) : a < b ? -1 : a > b ? 1 : 0);
  return records.map((one) => [value(one), one]).sort(([a], [b]) => sign * compare(a, b)).map(([, one]) => one);
}

/** Return `[value, number]` of a field over all records that could be opened, the most frequent first. */
function byValue(records, name) {
  const counts = new Map();
  for (const one of records) if (one.unreadable === null) counts.set(one.fields[name], (counts.get(one.fields[name]) || 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** Return numbers as a table with a bar for each; those beyond `most` are summed. */
function chart(title, counts, write, most = MOST_BARS) {
  const largest = counts.reduce((most, [, n]) => Math.max(most, n), 1);
  const shown = counts.slice(0, most).map(([value, n]) => [write(value), n]), rest = counts.slice(most);
  if (rest.length) shown.push([say("chart_others", { n: rest.length }), rest.reduce((sum, [, n]) => sum + n, 0)]);
  const bar = (n) => draw("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, draw("rect", { width: Math.min(100, (100 * n) / largest), height: 10 }));
  return make("div", {}, make("h3", {}, say(title)), make("table", { className: "bars" }, make("caption", { className: "unseen" }, say(title)),
    make("tbody", {}, ...shown.map(([name, n]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, bar(n)), make("td", { className: "number" }, number(n)))))));
}
