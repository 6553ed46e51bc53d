"""organiser.html in a real browser, opened from a file as an organiser opens it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import agefile
from sabal.organiser import page

LOCALES = {"en": "en-GB", "ko": "ko-KR"}
PASSPHRASE = "oak tin rope seven"


class Opened:
    """One tab with the page. `wrong` collects errors and requests, of which there must be none."""

    def __init__(self, tab: Any, folder: Path) -> None:
        self.tab, self.folder = tab, folder
        self.wrong: list[str] = []
        tab.on("pageerror", lambda error: self.wrong.append(str(error)))
        tab.on("console", lambda message: self.wrong.append(message.text))
        tab.on("request", lambda request: self._asked(request.url))
        tab.goto(page.FILE.as_uri())

    def _asked(self, url: str) -> None:
        if url.split("#")[0] != page.FILE.as_uri() and not url.startswith("blob:"):
            self.wrong.append(url)

    def go(self, screen: str) -> None:
        self.tab.evaluate(f"location.hash = '{screen}'")
        self.tab.wait_for_function("document.querySelector('h1')")

    def press(self, name: str) -> None:
        self.tab.get_by_role("button", name=name, exact=True).click()

    def choose(self, label: str, *paths: Path) -> None:
        self.tab.get_by_label(label, exact=True).set_input_files(list(map(str, paths)))

    def saved(self, name: str) -> Path:
        """Press a button that saves a file, and return the file."""
        with self.tab.expect_download() as waiting:
            self.press(name)
        path = self.folder / str(waiting.value.suggested_filename)
        waiting.value.save_as(path)
        return path

    def open_names(self, exports: Sequence[Path], key: Path, passphrase: str = "") -> None:
        self.go("names")
        self.choose("The export", *exports)
        self.choose("Your key file", key)
        self.tab.get_by_label("Passphrase of the key").fill(passphrase)
        self.press("Open")
        self.tab.get_by_role("heading", name="The signatures", exact=True).wait_for(timeout=60_000)

    def tab_of(self, name: str) -> None:
        self.tab.get_by_role("tab", name=name).click()

    def refusal(self) -> str:
        alert = self.tab.locator(".wrong:visible")
        alert.wait_for(timeout=20_000)
        return str(alert.inner_text())


@contextmanager
def opened(
    browser: Any,
    folder: Path,
    language: str = "en",
    *,
    width: int = 1366,
    scheme: str = "light",
    init: str = "",
) -> Iterator[Opened]:
    """Open the page; at the end assert that it had no error and asked for nothing."""
    context = browser.new_context(
        locale=LOCALES[language],
        viewport={"width": width, "height": 768},
        color_scheme=scheme,
        accept_downloads=True,
    )
    tab = context.new_page()
    if init:
        tab.add_init_script(init)
    one = Opened(tab, folder)
    try:
        yield one
        assert one.wrong == []
    finally:
        context.close()


def key_file(folder: Path, *identities: agefile.Identity) -> Path:
    path = folder / "organiser.key"
    path.write_text("".join(f"{one}\n" for one in identities))
    return path
