/** Elements whose sentences follow the language of the page. All content is set as text, never as HTML. */

import { Refusal, say } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** Return an element. Of the properties, those of the element are set as such, others as attributes. Children may be null. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return an element of a drawing, with its attributes. */
export function draw(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return a text that is said again when the language changes. A value may be a function that returns it. */
export function text(key, values = {}) {
  const node = document.createTextNode("");
  node.write = () => { node.data = say(key, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "function" ? value() : value]))); };
  node.write();
  return node;
}

/** Let `redraw` make the children of an element, now and when the language changes. Return the element. */
export function drawn(element, redraw) {
  element.redraw = () => element.replaceChildren(...[redraw()].flat().filter((child) => child !== null));
  element.redraw();
  return element;
}

/** Name an element for screen readers by a sentence. Return it. */
export function labelled(element, key) {
  element.relabel = () => element.setAttribute("aria-label", say(key));
  element.relabel();
  return element;
}

/** Say everything below an element again, in the language of now. */
export function sayAgain(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ALL);
  for (let node = walker.currentNode; node; node = walker.nextNode()) {
    if (node.write) node.write();
    if (node.relabel) node.relabel();
    if (node.redraw) node.redraw();
  }
}

let count = 0;

/** Return a field: a label, an optional hint, and the input. `values` are those of the label. */
export function field(key, input, hint = null, values = {}) {
  input.id = `field-${++count}`;
  const hinted = hint && make("p", { className: "hint", id: `${input.id}-hint` }, text(hint));
  if (hinted) input.setAttribute("aria-describedby", hinted.id);
  return make("div", { className: "field" }, make("label", { htmlFor: input.id }, text(key, values)), hinted, input);
}

/** Return a box to tick, or a round one of a group, with its label. */
export function tick(label, input) {
  input.id = `field-${++count}`;
  return make("div", { className: "tick" }, input, make("label", { htmlFor: input.id }, label));
}

export const button = (key, onclick, className = "") => make("button", { type: "button", className, onclick }, text(key));
export const paragraph = (key, values, className = "") => make("p", { className }, text(key, values));

/** A place for what went wrong: `show(error)` says it and moves there; `clear()` empties it. */
export class Wrongs {
  constructor() {
    this.element = make("div", { role: "alert" });
  }

  clear() {
    this.element.replaceChildren();
  }

  show(error) {
    const sentence = error instanceof Refusal ? text(error.key, error.values) : text("failed", { error: String(error?.message ?? error) });
    this.element.replaceChildren(make("div", { className: "wrong", tabIndex: -1 }, make("p", {}, sentence)));
    this.element.firstChild.focus();
  }
}

/** Empty `result` when something in `form` is changed: it was made from what was chosen before. Return the form. */
export function outdating(form, result) {
  form.addEventListener("input", () => result.replaceChildren());
  return form;
}

/** Do `work` with a button switched off meanwhile. Show what goes wrong. */
export async function doing(pressed, wrongs, work) {
  wrongs.clear();
  pressed.disabled = true;
  try {
    await work();
  } catch (error) {
    wrongs.show(error);
  } finally {
    pressed.disabled = false;
  }
}

/** Return the name of a file without folders, or characters that are invisible or change the direction. It may come from a server. */
export const harmlessName = (name) => name.replace(/[\p{C}\\/:*?"<>|]/gu, "_").slice(-120).replace(/^\.+/, "_");

/** Let the browser save bytes or text under a name. */
export function save(name, content, type = "application/octet-stream") {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content].flat(), { type }));
  make("a", { href: address, download: harmlessName(name) }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser may still be asking where to save it
}

/** Copy text, and say on the button that it was done. */
export function copyButton(key, value) {
  const pressed = button(key, async () => {
    try {
      await navigator.clipboard.writeText(value());
    } catch { // not allowed for a file in some browsers
      const area = make("textarea", { value: value(), className: "unseen" });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    pressed.replaceChildren(text("copied"));
    setTimeout(() => pressed.replaceChildren(text(key)), 3000);
  }, "plain");
  return pressed;
}

/** Return the bytes of a file. Throw a Refusal if the browser cannot read it. */
export async function bytesOf(file) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new Refusal("unread", { file: file.name });
  }
}
export const today = () => new Date().toISOString().slice(0, 10);
