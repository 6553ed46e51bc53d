// Keeps the numbers of a page fresh while it is looked at. Without this script a reload shows them.
"use strict";

(() => {
  const EVERY = 10000; // milliseconds
  if (!window.fetch || !document.querySelector("[data-fresh]")) return;

  async function refresh() {
    if (document.hidden) return;
    let page;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok || answer.redirected) return;
      page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return; // no connection: the next time may succeed
    }
    for (const place of document.querySelectorAll("[data-fresh]")) {
      const newer = page.querySelector(`[data-fresh="${place.dataset.fresh}"]`);
      if (newer && newer.innerHTML !== place.innerHTML) place.innerHTML = newer.innerHTML;
    }
  }

  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
