/** Open the names: exports and a key, then the signers, patterns among them, a bundle, and the proof for deleting. */

import { Wrongs, button, doing, drawn, field, make, paragraph, text } from "../dom.js";
import { openExport } from "../export.js";
import { openRecords } from "../opening.js";
import { Refusal, number } from "../words.js";
import { Workers } from "../workers.js";
import { KeyChooser, keyNote } from "./keychooser.js";
import { signersTab } from "./signers.js";
import { patternsTab } from "./patterns.js";
import { bundleTab } from "./bundle.js";
import { deletingTab } from "./deleting.js";

const TABS = { signers: signersTab, patterns: patternsTab, bundle: bundleTab, deleting: deletingTab };

export function namesScreen() {
  const screen = make("div"), again = () => screen.replaceChildren(choosing((session) => screen.replaceChildren(...results(session, again))));
  again();
  return screen;
}

function choosing(opened) {
  const files = make("input", { type: "file", multiple: true, accept: ".jsonl,.json,.txt" }), chooser = new KeyChooser(), wrongs = new Wrongs();
  const bar = make("progress", { max: 1, value: 0 }), said = make("p", { role: "status" });
  let stop = null;
  const wait = make("div", { hidden: true }, bar, said, make("p", { className: "actions" }, button("cancel", () => stop.abort(new Refusal("names_cancelled")), "plain")));
  const go = button("names_go", () => doing(go, wrongs, async () => {
    if (!files.files.length) throw new Refusal("names_missing");
    const workers = new Workers();
    stop = new AbortController();
    const progress = (done, part) => {
      bar.value = part;
      said.replaceChildren(text("names_progress", { done }));
    };
    wait.hidden = false;
    bar.removeAttribute("value");
    try {
      const exports = await Promise.all(Array.from(files.files, openExport));
      said.replaceChildren(text("key_wait"));
      await workers.use(await chooser.identities(workers));
      const records = await openRecords(exports, (sealed) => workers.ask("records", { sealed }), { width: workers.width, progress, signal: stop.signal });
      const challenge = await challengeOf(exports, workers);
      chooser.forget();
      opened({ exports, records, challenge });
    } finally {
      wait.hidden = true;
      workers.end();
    }
  }));
  return make("div", {},
    make("p", { className: "back" }, make("a", { href: "#" }, text("back"))),
    make("h1", {}, text("names")), paragraph("names_lead"),
    field("names_files", files, "names_filesHint"), chooser.element, keyNote(), wrongs.element, wait, make("p", { className: "actions" }, go));
}

/** Return the content of an export's code file, which the proof for deleting needs; null if there is none or it does not open. */
async function challengeOf(exports, workers) {
  const code = exports.length === 1 ? exports[0].header.code : null;
  if (!code) return null;
  try {
    return await workers.ask("file", { file: Uint8Array.from(atob(code), (character) => character.charCodeAt(0)) });
  } catch {
    return null;
  }
}

function results(session, again) {
  const { records } = session, wrong = records.filter(({ checked, unreadable }) => !checked && unreadable === null).length;
  const unread = records.filter(({ unreadable }) => unreadable !== null), good = records.length - wrong - unread.length;
  const newest = Math.max(...session.exports.map(({ header }) => header.size));
  const older = new Set(session.exports.filter(({ header }) => header.size < newest).map(({ name }) => name));
  const doubtful = records.filter(({ index, name, unreadable }) => unreadable === null && index === null && older.has(name)).length;
  const heading = make("h1", { tabIndex: -1 }, text("opened"));
  const count = drawn(make("p", { className: "count" }), () => [make("b", {}, number(good)), " ", text(good === 1 ? "opened_one" : "opened_good")]);
  queueMicrotask(() => heading.focus());
  return [
    make("p", { className: "back" }, make("a", { href: "#" }, text("back"))), heading, count,
    records.length ? null : paragraph("opened_none"),
    wrong ? paragraph("opened_wrong", { n: wrong }, "warn") : null,
    unread.length ? paragraph("opened_unread", { n: unread.length, lines: `${unread.slice(0, 10).map(({ unreadable, name }) => (session.exports.length > 1 ? `${name}: ${unreadable}` : unreadable)).join(", ")}${unread.length > 10 ? ", …" : ""}` }, "warn") : null,
    doubtful ? paragraph("opened_doubtful", { n: doubtful }, "warn") : null,
    paragraph("opened_log", {}, "hint"), paragraph("opened_careful", {}, "hint"),
    tabs(session),
    make("p", { className: "actions" }, button("opened_again", again, "plain")),
  ].filter((part) => part !== null);
}

function tabs(session) {
  const panel = make("div", { role: "tabpanel", tabIndex: -1, id: "panel" }), made = new Map();
  const all = Object.keys(TABS).map((name) => make("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", onclick: () => open(name) }, text(`tab_${name}`)));
  const open = (name) => {
    if (!made.has(name)) made.set(name, TABS[name](session));
    for (const tab of all) {
      const chosen = tab.id === `tab-${name}`;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    panel.replaceChildren(made.get(name));
  };
  const list = make("div", { className: "tabs", role: "tablist", onkeydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    next.click();
  } }, ...all);
  open("signers");
  return make("div", {}, list, panel);
}
