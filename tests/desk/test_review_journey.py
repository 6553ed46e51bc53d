"""Names and floods in a real browser: Olga takes the names off the server, and Max takes out what her audit found."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from desk_browser import add_passkey, assert_pages_fit, enter, invite
from journey.signer import Signer, wait_for
from served import SLUG, Served

pytestmark = [pytest.mark.slow, pytest.mark.browser]
DESK = f"/petitions/{SLUG}"


@pytest.fixture(scope="module")
def olga(served_desk: Served, browser: Any) -> Iterator[Any]:
    page = enter(served_desk, browser)
    add_passkey(served_desk, page)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def max_(served_desk: Served, olga: Any, browser: Any) -> Iterator[Any]:
    """Yield the browser window of Max, whom Olga invited as the moderator of the petition."""
    link = invite(served_desk, olga, "max@example.org", f"petition:{SLUG}", "moderator")
    page = enter(served_desk, browser, "Max", link)
    add_passkey(served_desk, page)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def signers(served_desk: Served) -> list[Signer]:
    """Four people sign, as it seems: two of the addresses are Eve's."""
    four = [Signer(served_desk, name) for name in ("Suzie", "Eve", "Evelyn", "Carol")]
    for one in four:
        one.sign()
        one.confirm()
    served_desk.wait_for_count(4)
    return four


@pytest.fixture(scope="module")
def names(
    served_desk: Served, olga: Any, signers: list[Signer], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the file that Olga downloaded."""
    file = tmp_path_factory.mktemp("olga") / "names.jsonl"
    olga.goto(f"{served_desk.desk}{DESK}")
    olga.click('nav.menu >> text="Signers’ names"')
    with olga.expect_download() as download:
        olga.click("form[action$='names/file'] button")
    assert re.fullmatch(rf"{SLUG}-\d{{4}}-\d\d-\d\d\.jsonl", download.value.suggested_filename)
    download.value.save_as(file)
    return file


def offline(served: Served, *arguments: str) -> str:
    """Run a command of Olga's own computer, with the key that the example has."""
    done = served.sabal(*arguments, "--identity", str(served.data / "organiser-key.txt"))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_names_are_deleted_when_it_was_proved_that_they_open(
    served_desk: Served, olga: Any, names: Path
) -> None:
    assert len(offline(served_desk, "open", str(names)).splitlines()) == 5
    olga.goto(f"{served_desk.desk}{DESK}/names")
    olga.fill("[name=code]", "0" * 64)
    olga.click("form[action$='names/delete'] button")
    assert "This code does not fit." in olga.locator(".summary").inner_text()
    assert olga.locator("[name=code]").input_value() == "0" * 64
    olga.fill("[name=code]", offline(served_desk, "open", str(names), "--prove"))
    olga.click("form[action$='names/delete'] button")
    assert "will be deleted from the server after" in olga.locator("main").inner_text()
    olga.click("text=Keep them on the server after all")
    olga.wait_for_load_state()
    assert olga.locator("[name=code]").count() == 1
    with olga.expect_download() as download:
        olga.click("text=Download the log")
    assert download.value.suggested_filename == f"{SLUG}-log.zip"
    assert served_desk.sabal("verify", str(download.value.path())).returncode == 0


def test_max_takes_out_what_the_audit_found(
    served_desk: Served, olga: Any, max_: Any, names: Path, tmp_path: Path
) -> None:
    proposal = tmp_path / "proposal.jsonl"
    offline(served_desk, "audit", str(names), "--out", str(proposal))
    with proposal.open("a") as file:  # Olga adds what no pattern shows
        file.write(json.dumps({"index": 2, "reason": "duplicate", "why": "she told us so"}) + "\n")
    max_.goto(f"{served_desk.desk}/")
    max_.click("table a")
    max_.wait_for_load_state()
    assert max_.locator('nav.menu >> text="Signers’ names"').count() == 0
    max_.click('nav.menu >> text="Review"')
    assert "No signature is held" in max_.locator("main").inner_text()
    max_.click("text=Found by an audit")
    max_.set_input_files("[name=file]", str(names))
    max_.click("main form button")
    assert "This is not a file of revocations" in max_.locator(".summary").inner_text()
    max_.set_input_files("[name=file]", str(proposal))
    max_.click("main form button")
    assert "The count goes from 4 to 3." in max_.locator("main").inner_text()
    assert "she told us so" in max_.locator("table").inner_text()
    assert served_desk.count() == 4
    max_.click("main button.danger")
    max_.wait_for_selector("text=1 signature was taken out.")

    served_desk.wait_for_count(3)

    def said() -> bool:
        max_.goto(f"{served_desk.base}/en/{SLUG}")
        max_.click("summary >> text=How we count")
        return "1 duplicate" in max_.locator("main").inner_text()

    wait_for(said, "the public page does not say why")
    olga.goto(f"{served_desk.desk}/history")
    assert "invalidated signatures" in olga.locator("tbody tr >> nth=0").inner_text()


def sign_with(served: Served, address: str) -> tuple[int, str]:
    """Send the form of the public page, and return the status and the page."""
    form = {"name": "Eve", "email": address, "country": "KR", "consent": "1"}
    try:
        with urllib.request.urlopen(
            f"{served.base}/en/{SLUG}/sign", urlencode(form).encode(), timeout=10
        ) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_rule_is_in_effect_within_seconds(served_desk: Served, max_: Any) -> None:
    assert sign_with(served_desk, "eve@a.flood.example")[0] == 200
    max_.goto(f"{served_desk.desk}{DESK}/limits")
    max_.fill("[name=values]", "flood.example")
    max_.check("[value=refuse]")
    max_.click("main form button >> nth=0")
    assert "flood.example" in max_.locator("table").inner_text()

    def refused() -> bool:
        status, page = sign_with(served_desk, "eve@a.flood.example")
        return status == 422 and "takes no signatures with addresses of this domain" in page

    wait_for(refused, "the rule has no effect")
    assert sign_with(served_desk, "eve@example.net")[0] == 200
    max_.click("table button")
    max_.wait_for_load_state()
    assert max_.locator("table").count() == 0
    wait_for(lambda: sign_with(served_desk, "eve@a.flood.example")[0] == 200, "the rule has an effect still")


PAGES = ("emails", "names", "held", "held/0/drop", "held/0/release", "revocations", "revocations/1", "limits")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_page_at_every_width(
    olga: Any, served_desk: Served, names: Path, language: str, scheme: str
) -> None:
    """No sideways scroll at 320 px, one heading, and nothing that axe finds."""
    addresses = [f"{served_desk.desk}{DESK}/{path}" for path in PAGES]
    assert_pages_fit(olga, served_desk.desk, addresses, language, scheme, frames=True)
