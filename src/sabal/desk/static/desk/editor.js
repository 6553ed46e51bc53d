// The editor works without this script. With it, a button of a row changes the form without loading the page anew, the
// preview follows what is typed, and a page with unsaved changes asks before it is left.
"use strict";
(() => {
  const ROW = /^(add|part|up|down|nest|unnest|remove|undo)\b/;
  const frame = document.querySelector(".frame");
  let changed = Boolean(document.querySelector(".bar [name=undo], #edit .summary"));
  let plain = false;
  let count = 0;
  let timer;

  const edit = () => document.getElementById("edit");

  function showPreview() {
    if (!frame || !frame.offsetParent) return;
    const buttons = document.querySelectorAll(".side-bar button");
    const shown = [...buttons].find((one) => "shown" in one.dataset) || buttons[0];
    const next = frame.querySelector("iframe").cloneNode();
    // A new frame, because navigating the old one would add a step to the browser's way back.
    next.removeAttribute("src");
    next.removeAttribute("srcdoc");
    next.removeAttribute("loading");
    next.name = `preview-${++count}`;
    next.classList.add("waiting");
    frame.append(next);
    next.addEventListener("load", () => {
      if (next.contentWindow.location.href === "about:blank") return;
      next.contentWindow.scrollTo(0, frame.querySelector("iframe:not(.waiting)").contentWindow.scrollY);
      next.classList.remove("waiting");
      // The frames before it show an older text, also those that still wait for the server.
      while (next.previousElementSibling) next.previousElementSibling.remove();
    });
    for (const one of buttons) one.formTarget = next.name;
    edit().requestSubmit(shown);
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(showPreview, 600);
  }

  async function changeRows(form, button) {
    const data = new FormData(form);
    data.set("do", button.value);
    form.inert = true;
    const answer = await fetch(form.action, { method: "POST", body: data });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("edit");
    if (!fresh) throw new Error("not the form");
    const status = fresh.querySelector("[role=status]");
    const said = status.textContent;
    status.textContent = "";
    form.replaceWith(document.adoptNode(fresh));
    const focused = fresh.querySelector("[autofocus]");
    if (focused) focused.focus();
    setTimeout(() => { status.textContent = said; }, 50); // a change of a region that is there is read out
    changed = true;
    later();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.id !== "edit" || !button) return;
    if (button.value.startsWith("preview")) {
      for (const one of document.querySelectorAll(".side-bar button")) delete one.dataset.shown;
      button.dataset.shown = "";
      return;
    }
    if (plain || !ROW.test(button.value)) {
      changed = false;
      return;
    }
    event.preventDefault();
    changeRows(form, button).catch(() => {
      plain = true;
      form.inert = false;
      form.requestSubmit(button);
    });
  });
  document.addEventListener("saved", () => { // autosave.js says so
    changed = false;
    const note = edit().querySelector("[role=status]:not([data-said])");
    if (note) note.textContent = ""; // "Nothing is saved yet"
  });
  document.addEventListener("input", (event) => { if (event.target.form === edit()) changed = true; });
  document.addEventListener("change", (event) => { if (event.target.form === edit()) later(); });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
})();
