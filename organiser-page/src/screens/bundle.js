/** Make a bundle for a recipient: the public log, and as many names as the signers were promised. */

import { Wrongs, button, doing, field, make, outdating, paragraph, save, text, tick, today } from "../dom.js";
import { makeBundle, offered, plan, sealedTo, usualFields } from "../bundle.js";
import { recipientsIn } from "../keyfile.js";
import { matched } from "../log.js";
import { RECORD_FIELDS } from "../record.js";
import { Refusal } from "../words.js";
import { LogChooser, leftOutNote } from "./logchooser.js";
import shared from "shared";

const { NAMES, SAMPLE, USUAL_NUMBER } = shared.promised, NONE = "none", MOST_NUMBER = 1_000_000;

export function bundleTab(session) {
  const chooser = new LogChooser(session, true), wrongs = new Wrongs(), rest = make("div");
  const go = button("bundle_log", () => doing(go, wrongs, async () => {
    rest.replaceChildren();
    const log = await chooser.log();
    rest.replaceChildren(...choosing(session, log));
    rest.querySelector("h2").focus();
  }), "plain");
  return make("div", {}, paragraph("bundle_lead"), chooser.element, wrongs.element, make("p", { className: "actions" }, go), rest);
}

function choosing(session, log) {
  const wrongs = new Wrongs(), result = make("div", { role: "status" }), records = new RecordChooser(log);
  const to = make("textarea", { className: "key", spellcheck: false });
  const go = button("bundle_go", () => doing(go, wrongs, async () => {
    result.replaceChildren();
    const recipients = to.value.trim() ? recipientsIn(to.value) : [], planned = records.plan();
    const { records: found, leftOut } = matched(session.records, log);
    const made = await makeBundle(log, planned, found, Math.floor(Date.now() / 1000));
    const name = `${session.exports[0].header.petition || "petition"}-bundle.zip${recipients.length ? ".age" : ""}`;
    const content = recipients.length ? await sealedTo(recipients, made.zip) : made.zip;
    result.replaceChildren(...notes(made, planned, leftOut, recipients.length), make("p", { className: "actions" }, button("save", () => save(name, content))), paragraph("bundle_next"));
  }));
  const form = outdating(make("div", {}, records.element, field("bundle_to", to, "bundle_toHint")), result);
  return [
    make("h2", { tabIndex: -1 }, text("bundle_what")), paragraph("bundle_count", { n: log.signers.length }),
    form, wrongs.element, make("p", { className: "actions" }, go), result,
  ];
}

/** Choose which records a bundle shows: none, a sample or all, and which of their fields. */
class RecordChooser {
  constructor(log) {
    this.log = log;
    const shows = [NONE, SAMPLE, NAMES].filter((show) => show === NONE || offered(log, show));
    this.radios = shows.map((show, at) => make("input", { type: "radio", name: "show", value: show, checked: at === 0, onchange: () => this.#redraw() }));
    this.seed = make("input", { type: "text", autocomplete: "off" });
    this.number = make("input", { type: "number", min: 1, max: MOST_NUMBER, value: USUAL_NUMBER });
    this.sample = make("div", {}, field("bundle_seed", this.seed, "bundle_seedHint"), field("bundle_number", this.number, "bundle_numberHint"));
    this.fields = make("div");
    this.element = make("div", {},
      make("fieldset", {}, make("legend", {}, text("bundle_show")), ...this.radios.map((radio) => tick(text(`bundle_${radio.value}`), radio))),
      shows.length === 1 ? paragraph("promise_none", {}, "hint") : null, this.sample, this.fields);
    this.#redraw();
  }

  get show() {
    return this.radios.find((radio) => radio.checked).value;
  }

  /** Return the plan for a bundle; null if it shows no record. Throw a Refusal. */
  plan() {
    if (this.show === NONE) return null;
    const wanted = [...this.boxes].filter(([, box]) => box.checked).map(([name]) => name), number = Number(this.number.value);
    if (!wanted.length) throw new Refusal("bundle_noField");
    if (this.show === SAMPLE && !(Number.isInteger(number) && number >= 1 && number <= MOST_NUMBER)) throw new Refusal("bundle_badNumber");
    // The usual fields are those of each text, which may have promised less than another.
    const isUsual = wanted.join() === this.usual.join();
    return plan(this.log, { show: this.show, wanted: isUsual ? null : wanted, today: today(), seed: this.seed.value, number });
  }

  #redraw() {
    const most = this.show === NONE ? [] : offered(this.log, this.show);
    this.sample.hidden = this.show !== SAMPLE;
    this.usual = RECORD_FIELDS.filter((name) => usualFields(most).includes(name));
    this.boxes = new Map(most.map((name) => [name, make("input", { type: "checkbox", checked: this.usual.includes(name) })]));
    const ticks = [...this.boxes].map(([name, box]) => tick(text(`f_${name}`), box));
    this.fields.replaceChildren(...(ticks.length ? [make("fieldset", {}, make("legend", {}, text("bundle_fields")), ...ticks)] : []));
  }
}

function notes(made, planned, leftOut, keys) {
  const all = [paragraph("bundle_made", {}, "message")];
  if (planned) all.push(paragraph("bundle_shown", { shown: made.shown, chosen: made.chosen }));
  if (planned?.sample) all.push(paragraph("bundle_drawn", { seed: planned.sample.seed }));
  if (made.available > made.shown) all.push(paragraph("bundle_closed", { n: made.available - made.shown }));
  const left = planned ? leftOutNote(leftOut) : null;
  if (left) all.push(left);
  if (keys) all.push(paragraph("bundle_locked", { n: keys }));
  else if (planned) all.push(paragraph("bundle_clear", {}, "warn"));
  return all;
}
