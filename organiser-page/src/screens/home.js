/** The first screen: what this page is for. */

import { make, paragraph, text } from "../dom.js";

const TASKS = [["new-key", "home_new", "home_newWhy", "home_newGo"], ["file", "home_file", "home_fileWhy", "home_fileGo"], ["names", "home_names", "home_namesWhy", "home_namesGo"]];

export function home() {
  return make("div", {},
    make("h1", {}, text("home")),
    paragraph("home_lead"),
    make("ul", { className: "cards" }, ...TASKS.map(([hash, title, why, go]) => make("li", {},
      make("h2", {}, text(title)), paragraph(why), make("p", {}, make("a", { className: "button plain", href: `#${hash}` }, text(go)))))),
    make("h2", {}, text("home_safe")),
    make("ul", {}, ...["home_safe1", "home_safe2", "home_safe3"].map((key) => make("li", {}, text(key)))));
}
