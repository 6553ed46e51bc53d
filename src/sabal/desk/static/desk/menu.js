// On a phone a menu is one line, wider than the screen. This scrolls it to the link of the page that is open. The page
// itself does not move.
"use strict";

for (const here of document.querySelectorAll(":is(.top nav, .menu) [aria-current]")) {
  const menu = here.parentElement;
  menu.scrollLeft = here.offsetLeft - menu.offsetLeft - (menu.clientWidth - here.offsetWidth) / 2;
}
