// Saves a form with data-autosave while a person writes. Without this script the form has its button "Save".
// The server decides what may be saved: it refuses what somebody else has changed meanwhile.
"use strict";

(() => {
  const PAUSE = 2000, LONGEST_WAIT = 60000; // milliseconds
  const form = () => document.querySelector("form[data-autosave]"); // another script may replace it
  if (!form() || !window.fetch || !window.crypto) return;
  // A name of this page. The server then knows what it has saved itself, also if an answer was lost on the way.
  const own = Array.from(crypto.getRandomValues(new Uint8Array(9)), (n) => n.toString(16)).join("");
  let dirty = false, unsaved = false, leaving = false, sending = null, timer = 0, wait = PAUSE;

  function say(key, text) {
    const line = form().querySelector("[data-said]");
    line.textContent = text || (key ? line.dataset[key] : "");
    line.classList.toggle("error", key === "offline" || key === "problem");
  }

  function later(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(save, milliseconds);
  }

  function save() {
    if (sending || !dirty) return;
    dirty = false;
    say("saving");
    sending = send().finally(() => {
      sending = null;
      if (dirty) later(wait);
    });
  }

  async function send() {
    let answer, said;
    try {
      const body = new FormData(form()), button = form().querySelector("button");
      if (button.name) body.set(button.name, button.value); // as if the first button were pressed
      body.set("form", own);
      answer = await fetch(form().action, { method: "POST", body, headers: { "X-Autosave": "1" } });
      said = await answer.json();
    } catch {
      dirty = true; // no connection, or an answer that is not the server's
      wait = Math.min(wait * 2, LONGEST_WAIT);
      say("offline");
      return;
    }
    wait = PAUSE;
    for (const [name, value] of Object.entries(said.fields || {})) {
      const field = form().elements.namedItem(name);
      if (field) field.value = value;
    }
    for (const [name, text] of Object.entries(said.texts || {})) {
      for (const place of document.querySelectorAll(`[data-text="${name}"]`)) place.textContent = text;
    }
    const done = new Set(said.done || []);
    for (const mark of document.querySelectorAll("[data-until]")) mark.hidden = done.has(mark.dataset.until);
    unsaved = !answer.ok;
    if (!answer.ok) return say("problem", said.problem);
    const time = new Date().toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
    say("saved", form().querySelector("[data-said]").dataset.saved.replace("{time}", time));
    if (!dirty) document.dispatchEvent(new Event("saved"));
  }

  document.addEventListener("input", (event) => {
    if (event.target.form !== form()) return;
    dirty = unsaved = true;
    say();
    later(PAUSE);
  });
  addEventListener("online", () => later(0));
  addEventListener("beforeunload", (event) => {
    if (!leaving && (dirty || sending || unsaved)) event.preventDefault();
  });
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.target !== form() || (button && button.formTarget)) return; // a preview in a frame
    if (sending) {
      event.preventDefault(); // first the answer, else this would look like a change of somebody else
      event.stopImmediatePropagation();
      sending.then(() => form().requestSubmit(button));
      return;
    }
    clearTimeout(timer);
    const name = form().elements.namedItem("form") || document.createElement("input");
    Object.assign(name, { type: "hidden", name: "form", value: own });
    form().append(name);
    leaving = true;
    setTimeout(() => { leaving = false; if (dirty) later(PAUSE); }, 3000); // if the page is still here
  });
})();
