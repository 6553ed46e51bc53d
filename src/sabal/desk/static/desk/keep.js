// Keeps what a person typed into a form with data-keep until the server has it. If the page is left, the connection
// breaks, or the person is signed out meanwhile, the page offers it again. It stays in this window (sessionStorage).
// The text is put back with the revision that it was typed for, so it never overwrites what somebody else wrote.
"use strict";

(() => {
  const PREFIX = "sabal-kept:", here = PREFIX + location.pathname;
  const person = document.currentScript.dataset.person; // empty: nobody is signed in
  const form = document.querySelector("form[data-keep]");

  function read(key) {
    try { return JSON.parse(sessionStorage.getItem(key)); } catch { return null; }
  }

  function write(key, kept) {
    const text = JSON.stringify({ person, ...kept });
    try { sessionStorage.setItem(key, text); } catch { /* no room: as without this script */ }
  }

  function fields() {
    return Array.from(form.elements).filter((one) => one.name && one.name !== "csrfmiddlewaretoken" &&
      !["file", "password", "submit", "button"].includes(one.type));
  }

  function values() {
    return fields().map((one) => [one.name, one.value, ["checkbox", "radio"].includes(one.type) ? one.checked : null]);
  }

  // What somebody typed, without what only the server sets.
  const typed = (kept) => JSON.stringify(kept.filter(([name]) => name !== "revision"));

  function putBack(kept) {
    for (const [name, value, checked] of kept) {
      for (const field of fields().filter((one) => one.name === name)) {
        if (checked === null) field.value = value;
        else if (field.value === value) field.checked = checked;
      }
    }
    form.dispatchEvent(new Event("input", { bubbles: true })); // the preview follows
  }

  for (const key of Object.keys(sessionStorage).filter((one) => one.startsWith(PREFIX))) {
    const kept = read(key);
    // A sent form has arrived if another page follows, of a person who is signed in. A refusal is at the form's address.
    const arrived = kept && kept.sent && person && key !== here;
    if (!kept || arrived || (person && kept.person !== person)) sessionStorage.removeItem(key);
    else if (kept.sent) write(key, { ...kept, sent: false });
  }
  document.addEventListener("submit", (event) => {
    if (event.target.hasAttribute("data-forget")) { // signing out, perhaps of a computer that others use
      for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
    }
  });
  if (!form) return;

  const kept = read(here), offer = form.querySelector("[data-kept]");
  let dirty = false, leaving = false;
  const asShown = typed(values());
  if (kept && typed(kept.values) === asShown) sessionStorage.removeItem(here);
  else if (kept) {
    offer.hidden = false;
    offer.addEventListener("click", (event) => {
      if (!event.target.dataset.kept) return;
      offer.hidden = true;
      if (event.target.dataset.kept === "use") putBack(kept.values);
      else sessionStorage.removeItem(here);
    });
  }

  form.addEventListener("input", () => {
    dirty = typed(values()) !== asShown;
    if (dirty) write(here, { values: values(), sent: false });
    else sessionStorage.removeItem(here);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.formTarget) return; // a preview in a frame
    if (dirty) write(here, { values: values(), sent: true });
    leaving = true;
    setTimeout(() => { leaving = false; }, 3000); // if the page is still here
  });
  addEventListener("beforeunload", (event) => { if (dirty && !leaving) event.preventDefault(); });
})();
