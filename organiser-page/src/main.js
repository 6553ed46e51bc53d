/** organiser.html: what needs the organiser's key, on the organiser's own computer. */

import { speakOfChecker } from "checker";
import { make, sayAgain, text } from "./dom.js";
import { LANGUAGES, say, speak, spoken } from "./words.js";
import { home } from "./screens/home.js";
import { newKeyScreen } from "./screens/newkey.js";
import { fileScreen } from "./screens/file.js";
import { namesScreen } from "./screens/names.js";

const SCREENS = { "": home, "new-key": newKeyScreen, file: fileScreen, names: namesScreen };
const made = new Map(); // a screen keeps what was typed and opened while another is shown
const main = document.getElementById("main");

function show() {
  const asked = location.hash.slice(1), name = Object.hasOwn(SCREENS, asked) ? asked : "";
  if (!made.has(name)) made.set(name, SCREENS[name]());
  const screen = made.get(name);
  main.replaceChildren(screen);
  sayAgain(main);
  entitle();
  scrollTo(0, 0);
}

function entitle() {
  document.title = `${main.querySelector("h1").textContent} – ${say("title")}`;
}

function choose(language) {
  speak(language);
  speakOfChecker(language);
  document.documentElement.lang = language;
  for (const one of document.querySelectorAll("#languages button")) one.setAttribute("aria-pressed", String(one.lang === language));
  sayAgain(document.body);
  entitle();
}

document.getElementById("name").append(make("a", { href: "#" }, text("title")));
document.getElementById("foot").append(make("p", {}, text("foot")));
document.getElementById("languages").append(...Object.entries(LANGUAGES).map(([key, { name }]) => make("button", { type: "button", className: "link", lang: key, onclick: () => choose(key) }, name)));
addEventListener("hashchange", () => { show(); main.focus(); });
show();
choose((navigator.languages || [navigator.language]).map((tag) => tag.split("-")[0]).find((key) => Object.hasOwn(LANGUAGES, key)) || spoken());
