"""The pages that the front door keeps ready: neutral where they must be, with gaps for name and token."""

import re

import pytest
from django.test import Client

from sabal.pages.petition import DOOR_PAGES

from .conftest import GUARDED, OPEN

LANGUAGES = ("en", "ko", "zh-hans")
OF_A_PETITION = ("confirm", "not-me", "receipt")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", sorted(DOOR_PAGES))
def test_a_guarded_page_names_no_petition(client: Client, page: str, language: str) -> None:
    answer = client.get(f"/_door/{language}/{GUARDED}/{page}")
    body = answer.content.decode()
    assert answer.status_code == 200 and '<meta name="robots" content="noindex">' in body
    assert "Content-Security-Policy" in answer
    for secret in ("repatriation", "China", "중국", "中国", "북송", "遣返", "lantern", "og:"):
        assert secret not in body, secret


@pytest.mark.parametrize("page", sorted(DOOR_PAGES - set(OF_A_PETITION)))
def test_pages_of_no_petition_are_there_too(client: Client, page: str) -> None:
    assert client.get(f"/_door/en/-/{page}").status_code == 200


def test_the_confirm_page_has_a_gap_for_the_name_and_a_button(client: Client) -> None:
    body = client.get(f"/_door/en/{GUARDED}/confirm").content.decode()
    assert body.count("⟦name⟧") == 1
    assert '<form method="post"><button>' in body
    assert 'href="/en/confirm/⟦token⟧/not-me"' in body


def test_withdrawing_is_a_button_not_a_link(client: Client) -> None:
    for page in ("receipt", "old-link"):
        body = client.get(f"/_door/en/{GUARDED}/{page}").content.decode()
        assert '<form method="post" action="/en/signature/⟦token⟧/withdraw">' in body


def test_only_an_open_receipt_offers_to_share(client: Client) -> None:
    assert "keep-the-orchard" in client.get(f"/_door/en/{OPEN}/receipt").content.decode()
    guarded = client.get(f"/_door/en/{GUARDED}/receipt").content.decode()
    assert "t.me" not in guarded and "<script" not in guarded


def test_titles_are_neutral(client: Client) -> None:
    for page in OF_A_PETITION:
        body = client.get(f"/_door/en/{OPEN}/{page}").content.decode()
        title = re.search(r"<title>(.*?)</title>", body)
        assert title and "China" not in title[1]


def test_unknown_pages_and_petitions_are_not_found(client: Client) -> None:
    for path in ("/_door/en/-/secret", "/_door/en/999/confirm", "/_door/en/x/confirm", "/_door/en/-/_page"):
        assert client.get(path).status_code == 404
