// The page needs no script. This adds what only a script can: the device's own share sheet, and copying.
document.querySelectorAll("[data-share]").forEach((button) => {
  const { share: kind, url, title } = button.dataset;
  const can = kind === "sheet" ? navigator.share : navigator.clipboard;
  if (!can) return;
  button.hidden = false;
  button.onclick = async () => {
    try {
      if (kind === "sheet") return await navigator.share({ title, url });
      await navigator.clipboard.writeText(title + " " + url);
      button.textContent = button.dataset.done;
    } catch {}
  };
});
