/** Make a bundle for a recipient: the public log, and as many names as the signers were promised. */

import { Wrongs, button, doing, field, make, paragraph, save, text, tick, today } from "../dom.js";
import { allowedFields, makeBundle, plan, sealedTo, usualFields } from "../bundle.js";
import { recipientsIn } from "../keyfile.js";
import { matched } from "../log.js";
import { RECORD_FIELDS } from "../record.js";
import { Refusal } from "../words.js";
import { LogChooser, leftOutNote } from "./logchooser.js";
import shared from "shared";

const { NAMES, SAMPLE, USUAL_NUMBER } = shared.promised, NONE = "none";

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

/** Return what the promise of the newest text allows: null, or the fields. */
function allowed(log, show) {
  try {
    return allowedFields([...log.terms.values()].at(-1), show);
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

function choosing(session, log) {
  const wrongs = new Wrongs(), result = make("div", { role: "status" });
  const shows = [NONE, SAMPLE, NAMES].filter((show) => show === NONE || allowed(log, show));
  const radios = new Map(shows.map((show, at) => [show, make("input", { type: "radio", name: "show", value: show, checked: at === 0 })]));
  const shown = () => [...radios].find(([, radio]) => radio.checked)[0];
  const seed = make("input", { type: "text", autocomplete: "off" }), number = make("input", { type: "number", min: 1, max: 1_000_000, value: USUAL_NUMBER });
  const sample = make("div", { hidden: true }, field("bundle_seed", seed, "bundle_seedHint"), field("bundle_number", number, "bundle_numberHint"));
  const fields = make("div"), to = make("textarea", { className: "key", spellcheck: false });
  const boxes = new Map();
  const redraw = () => {
    const show = shown(), may = show === NONE ? [] : allowed(log, show);
    sample.hidden = show !== SAMPLE;
    boxes.clear();
    for (const name of RECORD_FIELDS.filter((one) => may.includes(one))) boxes.set(name, make("input", { type: "checkbox", checked: usualFields(may).includes(name) }));
    fields.replaceChildren(...(boxes.size ? [make("fieldset", {}, make("legend", {}, text("bundle_fields")), ...[...boxes].map(([name, box]) => tick(text(`f_${name}`), box)))] : []));
  };
  for (const radio of radios.values()) radio.onchange = redraw;
  redraw();
  const go = button("bundle_go", () => doing(go, wrongs, async () => {
    result.replaceChildren();
    const show = shown(), recipients = to.value.trim() ? recipientsIn(to.value) : [];
    const wanted = [...boxes].filter(([, box]) => box.checked).map(([name]) => name);
    if (boxes.size && !wanted.length) throw new Refusal("bundle_noField");
    const count = Number(number.value);
    if (show === SAMPLE && !(Number.isInteger(count) && count >= 1 && count <= 1_000_000)) throw new Refusal("bundle_badNumber");
    const { records, leftOut } = matched(session.records, log);
    const planned = show === NONE ? null : plan(log, { show, wanted, today: today(), seed: seed.value, number: count });
    const made = await makeBundle(log, planned, records, Math.floor(Date.now() / 1000));
    const name = `${session.exports[0].header.petition || "petition"}-bundle.zip${recipients.length ? ".age" : ""}`;
    const content = recipients.length ? await sealedTo(recipients, made.zip) : made.zip;
    result.replaceChildren(...notes(made, planned, leftOut, { isClear: show !== NONE && !recipients.length }), make("p", { className: "actions" }, button("save", () => save(name, content))), paragraph("bundle_next"));
  }));
  return [
    make("h2", { tabIndex: -1 }, text("bundle_what")), paragraph("bundle_count", { n: log.signers.length }),
    make("fieldset", {}, make("legend", {}, text("bundle_show")), ...[...radios].map(([show, radio]) => tick(text(`bundle_${show}`), radio))),
    shows.length === 1 ? paragraph("promise_none", {}, "hint") : null,
    sample, fields, field("bundle_to", to, "bundle_toHint"), wrongs.element, make("p", { className: "actions" }, go), result,
  ].filter((part) => part !== null);
}

function notes(made, planned, leftOut, { isClear }) {
  const all = [paragraph("bundle_made", {}, "message")];
  if (planned) all.push(paragraph("bundle_shown", { shown: made.shown, chosen: made.chosen }));
  if (planned?.sample) all.push(paragraph("bundle_drawn", { seed: planned.sample.seed }));
  if (made.available > made.shown) all.push(paragraph("bundle_closed", { n: made.available - made.shown }));
  const left = planned ? leftOutNote(leftOut) : null;
  if (left) all.push(left);
  if (isClear) all.push(paragraph("bundle_clear", {}, "warn"));
  return all;
}
