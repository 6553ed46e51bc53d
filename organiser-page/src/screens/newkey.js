/** Make a key: passphrase, save, print, check what was saved, give the public half to the desk. */

import { identityToRecipient } from "age-encryption";
import { Wrongs, button, copyButton, doing, draw, field, make, paragraph, save, text, tick, today } from "../dom.js";
import { LEAST_PASSPHRASE, lengthOf, suggested } from "../newkey.js";
import { codeOf } from "../sheet.js";
import { Refusal, say } from "../words.js";
import { Workers } from "../workers.js";
import { KeyChooser } from "./keychooser.js";

const NAME = "organiser.key";

export function newKeyScreen() {
  const steps = make("ol", { className: "steps" });
  steps.append(passphraseStep((key) => steps.append(...laterSteps(key))));
  return make("div", {},
    make("p", { className: "back" }, make("a", { href: "#" }, text("back"))),
    make("h1", {}, text("new")), paragraph("new_lead"), paragraph("new_lost", {}, "warn"), steps);
}

function passphraseStep(made) {
  const first = make("input", { type: "password", autocomplete: "new-password", spellcheck: false });
  const second = make("input", { type: "password", autocomplete: "new-password", spellcheck: false });
  const older = make("input", { type: "checkbox" }), wrongs = new Wrongs(), shown = make("p", { role: "status" });
  const wait = make("div", { role: "status" });
  const suggest = button("new_suggest", () => {
    first.value = second.value = suggested();
    shown.replaceChildren(text("new_suggested"), make("code", { className: "code" }, first.value));
  }, "plain");
  const go = button("new_make", () => doing(go, wrongs, async () => {
    if (lengthOf(first.value.trim()) < LEAST_PASSPHRASE) throw new Refusal("new_short", { least: LEAST_PASSPHRASE });
    if (first.value !== second.value) throw new Refusal("new_differ");
    const workers = new Workers(1);
    wait.replaceChildren(paragraph("new_wait"), make("progress"));
    try {
      const key = await workers.ask("newKey", { passphrase: first.value.trim(), made: today(), postQuantum: !older.checked });
      first.value = second.value = "";
      step.replaceChildren(make("h2", {}, text("new_passphrase")), paragraph("new_made"));
      step.classList.add("done");
      addEventListener("beforeunload", key.warn = (event) => event.preventDefault());
      made(key);
      step.nextSibling.querySelector("h2").focus();
    } finally {
      wait.replaceChildren();
      workers.end();
    }
  }));
  const step = make("li", {}, make("h2", {}, text("new_passphrase")), paragraph("new_passphraseWhy"),
    field("new_first", first, "new_firstHint"), field("new_second", second),
    make("p", { className: "actions" }, suggest), shown,
    make("details", {}, make("summary", {}, text("new_more")), tick(text("new_older"), older)),
    wrongs.element, wait, make("p", { className: "actions" }, go));
  return step;
}

function laterSteps(key) {
  const done = (step) => step.classList.add("done");
  const heading = (words) => make("h2", { tabIndex: -1 }, text(words));
  const savedStep = make("li", {}, heading("new_save"), paragraph("new_saveWhy"),
    make("p", { className: "actions" }, button("new_saveGo", () => { save(NAME, key.file); done(savedStep); })));
  const printStep = make("li", {}, heading("new_print"), paragraph("new_printWhy"),
    make("p", { className: "actions" }, button("new_printGo", () => { print(key); done(printStep); }, "plain")));
  const publicHalf = make("textarea", { className: "key", readOnly: true, value: key.recipient, spellcheck: false });
  const publicStep = make("li", {}, heading("new_public"), paragraph("new_publicWhy"), field("new_publicField", publicHalf),
    make("p", { className: "actions" }, copyButton("copy", () => key.recipient), button("new_publicSave", () => save(`${NAME}.pub`, `${key.recipient}\n`, "text/plain"), "plain")),
    paragraph("new_next", {}, "message"));
  return [savedStep, printStep, checkStep(key, done), publicStep];
}

/** Read the key back from what was saved: a key that nobody has opened once may be lost already. */
function checkStep(key, done) {
  const chooser = new KeyChooser(), wrongs = new Wrongs(), result = make("div", { role: "status" });
  const go = button("new_checkGo", () => doing(go, wrongs, async () => {
    const workers = new Workers(1);
    try {
      result.replaceChildren(paragraph("key_wait"));
      const identities = await chooser.identities(workers);
      const halves = await Promise.all(identities.map((identity) => identityToRecipient(identity)));
      if (!halves.includes(key.recipient)) throw new Refusal("new_checkOther");
      result.replaceChildren(paragraph("new_checked", {}, "message"));
      removeEventListener("beforeunload", key.warn);
      done(step);
    } catch (error) {
      result.replaceChildren();
      throw error;
    } finally {
      chooser.forget();
      workers.end();
    }
  }));
  const step = make("li", {}, make("h2", { tabIndex: -1 }, text("new_check")), paragraph("new_checkWhy"), chooser.element, wrongs.element, result, make("p", { className: "actions" }, go));
  return step;
}

function print(key) {
  const sheet = make("div", { className: "paper" }, copy(key, 1), copy(key, 2));
  document.querySelector(".paper")?.remove();
  document.body.append(sheet);
  document.body.classList.add("printing");
  addEventListener("afterprint", () => { // some browsers go on before they have printed
    document.body.classList.remove("printing");
    sheet.remove();
  }, { once: true });
  window.print();
}

function copy(key, n) {
  const blank = (word) => [make("dt", {}, say(word)), make("dd", {})];
  return make("section", {},
    make("h1", {}, say("sheet")), make("p", {}, say("sheet_copy", { n, day: today() })), make("p", {}, say("sheet_meaning")),
    picture(codeOf(key.file)), make("pre", {}, key.file.trim()),
    make("p", {}, make("b", {}, say("sheet_public")), ` ${key.recipient.slice(0, 18)} … ${key.recipient.slice(-12)}`),
    make("dl", {}, ...["sheet_kept", "sheet_place", "sheet_since", "sheet_passphrase"].flatMap(blank)),
    make("p", {}, say("sheet_use")));
}

/** Return the code as a drawing. */
function picture(rows) {
  const dark = rows.flatMap((row, y) => row.map((one, x) => (one ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return draw("svg", { viewBox: `0 0 ${rows.length} ${rows.length}`, "shape-rendering": "crispEdges", role: "img" },
    draw("rect", { width: rows.length, height: rows.length, fill: "#fff" }), draw("path", { d: dark, fill: "#000" }));
}
