"""Forms are counted by the word in the address of the page: numbers that sum up, and none for a guarded petition."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from front_end import Client, open_client
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.asked import MOST_WORDS, Asked, asked
from sabal.signing.sources import FormSource, normalised, of_petition, start_counting, stop_counting, word_in
from sites import SiteOfTests

SLUG = "stop-forced-repatriation"
PAGE = f"http://127.0.0.1:8000/en/{SLUG}"


def form(petition: PetitionSnapshot, **fields: str) -> dict[str, str]:
    return {
        "name": "Suzie",
        "email": "suzie@example.org",
        "consent": "1",
        "version": petition.version,
    } | fields


def send(client: Client, referer: str, fields: Mapping[str, str]) -> tuple[int, str]:
    answer = client.post(f"/en/{SLUG}/sign", fields, (b"referer", referer.encode()))
    return answer.status, answer.body.decode()


@pytest.mark.parametrize(
    ("referer", "counted"),
    [
        (f"{PAGE}?from=flyer", 1),
        (f"{PAGE}?lang=x&from=FLYER#sign", 1),
        (f"{PAGE}?from=flyers", 0),
        (f"{PAGE}?from=never-chosen", 0),
        (f"{PAGE}?xfrom=flyer", 0),
        (f"{PAGE}?from=flyer.", 1),
        (f"{PAGE}?from=flyer)%20", 1),
        (f"{PAGE}?from=flyer.x", 0),
        (f"{PAGE}?from={'a' * 15_000}", 0),
        (PAGE, 0),
        ("", 0),
    ],
)
def test_a_form_counts_for_the_word_of_its_page(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, referer: str, counted: int
) -> None:
    petition = site.publish(profile='"open"')
    start_counting(site.database, petition.id, "flyer")
    with open_client(site, monkeypatch) as client:
        assert send(client, referer, form(petition))[0] == 303
    assert of_petition(site.database, petition.id) == [FormSource("flyer", counted, True)]
    assert asked(site.database, petition.id) == 1


def test_a_form_that_is_shown_again_keeps_its_word(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish(profile='"open"')
    start_counting(site.database, petition.id, "flyer")
    with open_client(site, monkeypatch) as client:
        status, page = send(client, f"{PAGE}?from=flyer", form(petition, name=""))
        assert status == 422 and '<input type="hidden" name="from" value="flyer">' in page
        assert send(client, f"{PAGE}/sign", form(petition, **{"from": "flyer"}))[0] == 303
        _, page = send(client, PAGE, form(petition, name="", **{"from": '"><script>'}))
        assert 'name="from"' not in page
    assert of_petition(site.database, petition.id) == [FormSource("flyer", 1, True)]


def test_a_guarded_petition_counts_no_word(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if a word was chosen for it in the database."""
    petition = site.publish()
    start_counting(site.database, petition.id, "flyer")
    with open_client(site, monkeypatch) as client:
        assert send(client, f"{PAGE}?from=flyer", form(petition, **{"from": "flyer"}))[0] == 303
    assert of_petition(site.database, petition.id) == [FormSource("flyer", 0, True)]
    assert asked(site.database, petition.id) == 1


@pytest.mark.parametrize("path", ["/", f"/{SLUG}"])
def test_a_redirect_to_the_page_keeps_the_word(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    site.publish()
    with open_client(site, monkeypatch) as client:
        assert client.get(f"{path}?from=flyer")["location"] == f"/en/{SLUG}?from=flyer"
        for other in ("", "?x=1", "?from=", "?from=//evil.example", "?from=a%0d%0aset-cookie:x", "?from=-"):
            assert client.get(f"{path}{other}")["location"] == f"/en/{SLUG}"


def test_the_page_is_the_same_with_every_word(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    """So caches keep one copy, and nothing of an address is written into a page."""
    site.publish(profile='"open"')
    with open_client(site, monkeypatch) as client:
        bare = client.get(f"/en/{SLUG}")
        for word in ("flyer", "other", "<b>"):
            assert client.get(f"/en/{SLUG}?from={word}").body == bare.body
        assert len([path for path in client.front.routes.cached_paths() if "from" in path]) == 0


def test_a_word_that_is_no_longer_counted_keeps_its_number(site: SiteOfTests) -> None:
    petition, process = site.publish(profile='"open"'), Asked()
    start_counting(site.database, petition.id, "flyer")
    process.add(petition.id, "flyer")
    process.store(site.database)
    assert stop_counting(site.database, petition.id, "flyer")
    assert not stop_counting(site.database, petition.id, "flyer")
    process.add(petition.id, "flyer")
    process.store(site.database)
    assert of_petition(site.database, petition.id) == [FormSource("flyer", 1, False)]
    start_counting(site.database, petition.id, "flyer")
    process.add(petition.id, "flyer")
    process.store(site.database)
    assert of_petition(site.database, petition.id) == [FormSource("flyer", 2, True)]
    assert asked(site.database, petition.id) == 3


def test_invented_words_take_no_memory(site: SiteOfTests) -> None:
    petition, process = site.publish(profile='"open"'), Asked()
    start_counting(site.database, petition.id, "flyer")
    process.add(petition.id, "flyer")
    for number in range(3 * MOST_WORDS):
        process.add(petition.id, f"invented-{number}")
    process.add(petition.id, "flyer")
    assert len(process._words) == MOST_WORDS
    process.store(site.database)
    assert of_petition(site.database, petition.id) == [FormSource("flyer", 2, True)]
    assert asked(site.database, petition.id) == 3 * MOST_WORDS + 2


@given(st.binary(max_size=200))
def test_any_address_has_a_word_or_none(address: bytes) -> None:
    word = word_in(address)
    assert word == normalised(word)
    assert not word or b"from=" + word.encode() in address.lower()
