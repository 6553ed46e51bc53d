"""Rules for email domains, through the real front end: refused with a sentence, held, or let through."""

from collections.abc import Iterator

import pytest

from front_end import Client, open_client
from sabal.limits import rules
from sabal.limits.rules import DOMAIN, Effect
from sabal.signing import held
from served import SLUG
from sites import SiteOfTests


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def rule(site: SiteOfTests, client: Client, effect: Effect) -> None:
    rules.add(site.database, site.petition().id, DOMAIN, ["flood.example"], effect)
    client.app.rules.refresh(site.database)


def form(site: SiteOfTests, email: str) -> dict[str, str]:
    return {"name": "Eve", "email": email, "consent": "1", "version": site.petition().version}


def test_a_refused_domain_gets_the_form_again_in_every_language(site: SiteOfTests, client: Client) -> None:
    rule(site, client, Effect.REFUSE)
    said = {
        "en": "no signatures with addresses of this domain",
        "ko": "이 도메인의 주소로",
        "zh-hans": "该域名",
        "ja": "このドメインのアドレスによる署名",
    }
    for language, words in said.items():
        answer = client.post(f"/{language}/{SLUG}/sign", form(site, "eve@a.flood.example"))
        page = answer.body.decode()
        assert answer.status == 422 and words in page and "eve@a.flood.example" in page, language
    assert site.rows("signing_pending") == site.rows("mail_email") == 0
    assert client.post(f"/en/{SLUG}/sign", form(site, "eve@other.example")).status == 303


def test_a_held_domain_is_taken_like_any_other_and_waits(site: SiteOfTests, client: Client) -> None:
    rule(site, client, Effect.HOLD)
    answers = [
        client.post(f"/en/{SLUG}/sign", form(site, address))
        for address in ("eve@flood.example", "suzie@example.org")
    ]
    assert {(a.status, a.body, tuple(a.headers)) for a in answers} == {(303, b"", tuple(answers[0].headers))}
    rows = site.database.query("SELECT held FROM signing_pending ORDER BY held")
    assert rows == [(0,), (held.LISTED,)]
