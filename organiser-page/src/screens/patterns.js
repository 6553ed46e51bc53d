/** Look for patterns among the signers, and save a proposal of signatures that should not count. */

import { Wrongs, button, doing, drawn, make, paragraph, save, text, tick } from "../dom.js";
import { matched } from "../log.js";
import { find, traits } from "../patterns.js";
import { byIndex, propose, revocationFile } from "../proposal.js";
import { Refusal, country, day, number, say } from "../words.js";
import { LogChooser, leftOutNote } from "./logchooser.js";

const HEAD = ["f_index", "f_name", "f_email", "f_place", "f_day", "patterns_keep"];
const MOST = 200; // signatures of a pattern that are listed

export function patternsTab(session) {
  const chooser = new LogChooser(session, false), wrongs = new Wrongs(), result = make("div");
  const go = button("patterns_go", () => doing(go, wrongs, async () => {
    result.replaceChildren();
    const log = await chooser.log();
    const newest = session.exports.map(({ header }) => header).reduce((a, b) => (b.size > a.size ? b : a));
    const { origin, size } = log ?? newest;
    if (!size) throw new Refusal("patterns_noLog");
    const { records, leftOut } = log ? matched(session.records, log) : byIndex(session.records);
    const groups = find([...records].map(([index, one]) => traits(index, one)));
    result.replaceChildren(...found(groups, records, leftOut, { origin, size, name: newest.petition }));
    result.querySelector("h2").focus();
  }));
  return make("div", {}, paragraph("patterns_lead"), chooser.element, wrongs.element, make("p", { className: "actions" }, go), result);
}

function found(groups, records, leftOut, log) {
  const also = new Set(), kept = new Set();
  const proposed = () => propose(groups, [...also]).filter(({ index }) => !kept.has(index));
  const summary = drawn(make("div"), () => {
    const all = proposed(), duplicates = all.filter(({ reason }) => reason === "duplicate").length;
    return paragraph(all.length ? "patterns_proposed" : "patterns_noProposal", { n: all.length, duplicates, automated: all.length - duplicates }, "message");
  });
  const saving = drawn(make("div"), () => proposed().length ? [
    make("p", { className: "actions" }, button("patterns_save", () => save(`${log.name}-revocations.jsonl`, revocationFile(log.origin, log.size, proposed()), "text/plain"))),
    paragraph("patterns_next"),
  ] : null);
  const keys = [...new Set(groups.map(({ pattern }) => pattern))];
  return [
    make("h2", { tabIndex: -1 }, text("patterns_found")), paragraph("patterns_looked", { n: records.size }), leftOutNote(leftOut),
    keys.length ? paragraph("patterns_chance") : paragraph("patterns_none", {}, "message"),
    ...keys.map((key) => one(key, groups.filter(({ pattern }) => pattern === key), records, { also, kept, redraw: () => { summary.redraw(); saving.redraw(); } })),
    summary,
    saving,
  ].filter((part) => part !== null);
}

/** Return a pattern with its signatures. A tick proposes all of them; another takes one out again. */
function one(key, groups, records, { also, kept, redraw }) {
  const indexes = [...new Set(groups.flatMap((group) => group.indexes))];
  const all = make("input", { type: "checkbox", onchange: () => { if (all.checked) also.add(key); else also.delete(key); redraw(); } });
  const row = (index) => {
    const { fields } = records.get(index), leave = make("input", { type: "checkbox", checked: kept.has(index), onchange: () => { if (leave.checked) kept.add(index); else kept.delete(index); redraw(); } });
    leave.setAttribute("aria-label", fields.name);
    const cells = [make("bdi", {}, number(index)), ...[fields.name, fields.email, country(fields.place), day(fields.day)].map((value) => make("bdi", {}, value)), leave];
    return make("tr", {}, ...cells.map((cell, at) => make("td", { "data-head": say(HEAD[at]) }, cell)));
  };
  const head = HEAD.map((name) => make("th", { scope: "col" }, text(name)));
  const listed = groups.flatMap((group) => group.indexes).slice(0, MOST);
  return make("section", {},
    make("h3", {}, text(`pattern_${key}`, { n: indexes.length, groups: groups.length })), paragraph(`patternWhy_${key}`, {}, "hint"),
    key === "mailbox" ? null : tick(text("patterns_all", { n: indexes.length }), all),
    make("details", {}, make("summary", {}, text("patterns_list")),
      make("div", { className: "scroll", tabIndex: 0 }, make("table", { className: "rows" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...listed.map(row)))),
      listed.length < indexes.length ? paragraph("patterns_more", { shown: listed.length, all: indexes.length }, "hint") : null));
}
