// The page works without a script. This adds the device's share sheet and copying, which need one.
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
