// The buttons that copy the text before them. Without this script a click on the text selects all of it.
// A page with several of them has this script several times.
for (const button of document.querySelectorAll("[data-copy][hidden]")) {
  const text = button.parentElement.querySelector(".copy");
  button.hidden = false;
  button.addEventListener("click", async () => {
    getSelection().selectAllChildren(text);
    try {
      await navigator.clipboard.writeText(text.textContent.trim());
    } catch {
      return; // not allowed here: the text is selected, and can be copied with the keyboard
    }
    button.textContent = button.dataset.done;
    button.parentElement.querySelector("[role=status]").textContent = button.dataset.done;
  });
}
