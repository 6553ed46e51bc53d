"""Pages rendered ahead have placeholders for name and token. They do not name a guarded petition."""

import re
from pathlib import Path

import pytest

from sabal.http import Refused
from sabal.pages import prepared
from sabal.pages.petition import withdrawn
from sabal.pages.prepared import NAMES, prepared_page
from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import CLOSED, GUARDED, OPEN, PAUSED

LANGUAGES = ("en", "ko", "zh-hans", "ja")
OF_A_PETITION = ("confirm", "not-me", "receipt")
Petitions = dict[int, PetitionSnapshot]


def read(name: str, petition: PetitionSnapshot | None = None, language: str = "en") -> str:
    answer = prepared_page(name, language, petition)
    assert answer.status == 200 and answer.header(b"content-security-policy")
    return answer.body.decode()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_guarded_petition(petitions: Petitions, name: str, language: str) -> None:
    body = read(name, petitions[GUARDED], language)
    assert '<meta name="robots" content="noindex">' in body
    for secret in ("repatriation", "China", "중국", "中国", "북송", "遣返", "lantern", "og:"):
        assert secret not in body, secret


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(OF_A_PETITION)))
def test_other_pages_are_rendered_without_a_petition(name: str) -> None:
    assert "<h1>" in read(name)


def test_names_and_templates_match() -> None:
    folder = Path(prepared.__file__).parent / "templates" / "prepared"
    assert {path.stem for path in folder.glob("[a-z]*.html")} == set(NAMES)


def test_the_confirm_page_has_a_placeholder_for_the_name_and_a_button(petitions: Petitions) -> None:
    body = read("confirm", petitions[GUARDED])
    assert body.count("⟦name⟧") == 1
    assert '<form method="post"><button>' in body
    assert 'href="/en/confirm/⟦token⟧/not-me"' in body


def test_the_receipt_thanks_first_and_withdraws_on_a_page_of_its_own(petitions: Petitions) -> None:
    for petition in (petitions[GUARDED], petitions[OPEN]):
        body = read("receipt", petition)
        order = [
            "Thank you</h1>",
            "<h2>Share</h2>",
            "<h2>What happens next</h2>",
            'signature/⟦token⟧/withdraw">',
        ]
        positions = [body.index(piece) for piece in order]
        assert positions == sorted(positions)
        assert "<form" not in body


def test_the_first_button_after_confirming_leads_to_sharing(petitions: Petitions) -> None:
    body = read("receipt", petitions[GUARDED])
    assert re.findall(r'<a class="button" href="([^"]+)"', body) == ["/en"]
    assert '<ul class="share first">' in read("receipt", petitions[OPEN])


def test_withdrawing_is_a_button_not_a_link() -> None:
    assert read("withdraw").count('<form method="post"><button>') == 1
    assert '<form method="post" action="/en/signature/⟦token⟧/withdraw">' in read("old-link")


@pytest.mark.parametrize("name", ["withdrawn", "old-link", "gone"])
def test_who_may_sign_again_gets_a_link_to_the_petitions(name: str) -> None:
    body = read(name)
    assert '<a href="/en">' in body[body.index("<main") : body.index("</main>")]


def test_who_withdrew_is_not_asked_to_sign_a_closed_petition(petitions: Petitions) -> None:
    for petition, asked in ((petitions[OPEN], True), (petitions[PAUSED], False), (petitions[CLOSED], False)):
        body = withdrawn(petition, "en").body.decode()
        assert ("you can sign again" in body) == (f'href="/en/{petition.slug}#sign"' in body) == asked
        assert "You can delete our email." in body and "<form" not in body
    with pytest.raises(Refused):
        withdrawn(petitions[GUARDED], "en")


def test_only_an_open_receipt_offers_to_share(petitions: Petitions) -> None:
    assert "keep-the-orchard" in read("receipt", petitions[OPEN])
    guarded = read("receipt", petitions[GUARDED])
    assert "t.me" not in guarded and "<script" not in guarded


def test_titles_do_not_name_the_petition(petitions: Petitions) -> None:
    for name in OF_A_PETITION:
        title = re.search(r"<title>(.*?)</title>", read(name, petitions[OPEN]))
        assert title and "China" not in title[1]
