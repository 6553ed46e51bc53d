// Say in the page why nothing came of a passkey. allauth's scripts, which talk to it, only write it into the console.
const problems = [...document.querySelectorAll("[data-passkey]")];

const show = (name) => {
  for (const one of problems) one.hidden = one.dataset.passkey !== name;
  const shown = problems.find((one) => !one.hidden);
  if (shown) shown.scrollIntoView({ block: "nearest" });
};

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const { name } = event.detail.exception;
  if (!window.PublicKeyCredential || name === "SecurityError" || name === "NotSupportedError") show("unsupported");
  else show(name === "InvalidStateError" ? name : "none");
});

// The next attempt begins without the sentence about the last one.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-passkey-button]")) show("");
}, true);
