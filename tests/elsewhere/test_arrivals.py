"""Petitions of other platforms: what is read from their files, what hostile ones do, and our own format and back."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sabal.api import views as api
from sabal.elsewhere import drafting, found, markup, recognise
from sabal.elsewhere.found import Arrival, NotRecognised
from sabal.petitions import folder
from sabal.petitions.definition import FolderError
from sabal.petitions.letters import letter
from sites import SiteOfTests

UK: dict[str, Any] = {
    "links": {"self": "https://petition.parliament.example/petitions/300.json"},
    "data": {
        "type": "petition",
        "id": 300,
        "attributes": {
            "action": "Keep the night bus to Hill Road",
            "background": "The bus at one o'clock is the only way home for nurses. It must stay.",
            "additional_details": "Three hundred people take it each night.\n\nIt is cheap.",
            "state": "closed",
            "signature_count": 12345,
            "updated_at": "2020-03-06T19:27:18.439Z",
            "creator_name": "Suzie",
            "departments": [{"acronym": "DfT", "name": "Department for Buses", "url": "x"}],
            "government_response": {
                "responded_on": "2020-04-01",
                "summary": "We will not.",
                "details": "<p>Because of <b>money</b>.</p><script>alert(1)</script>",
            },
            "debate": {
                "debated_on": "2020-05-02",
                "transcript_url": "https://example.org/t",
                "overview": "Long.",
            },
            "other_parliamentary_business": [
                {"subject": "Asked again", "body": "A letter.", "occurred_on": "2020-05-01"}
            ],
            "topics": ["Buses"],
            "signatures_by_country": [{"name": "France", "code": "FR", "signature_count": 5}],
        },
    },
}
OSDI: dict[str, Any] = {
    "identifiers": ["action_network:1"],
    "title": "Keep the night bus",
    "description": "<p>Nurses need <em>it</em>.</p>",
    "petition_text": "<p>We ask you to:</p><ol><li>Keep the bus</li><li>Publish the numbers</li></ol>",
    "target": [{"name": "The Town Council"}],
    "total_signatures": "1,234",
    "browser_url": "https://actionnetwork.example/petitions/bus",
    "_links": {"osdi:creator": {"href": "x"}},
}


def one(document: object) -> Arrival:
    (arrival,) = recognise.recognise(json.dumps(document).encode()).petitions
    return arrival


def draft(arrival: Arrival) -> Any:
    return folder.parse(letter.folder_from(drafting.read(arrival)).files)


def test_a_uk_petition_and_its_history() -> None:
    arrival = one(UK)
    assert (arrival.source, arrival.signatures, arrival.counted_on) == (
        "UK petitions JSON",
        12345,
        "2020-03-06",
    )
    assert arrival.link == "https://petition.parliament.example/petitions/300"
    assert [(m.kind, m.title, m.day) for m in arrival.materials] == [
        ("answer", "Government response", "2020-04-01"),
        ("answer", "Debate", "2020-05-02"),
        ("update", "Asked again", "2020-05-01"),
    ]
    assert arrival.materials[0].text == "We will not.\n\nBecause of money."
    assert ("creator_name", "…") in arrival.rest and "Suzie" not in found.as_json((arrival,))
    text = draft(arrival).texts["en"]
    assert text.title == "Keep the night bus to Hill Road" == text.demands[0].text
    assert text.summary == "The bus at one o'clock is the only way home for nurses."
    bodies = " ".join(section.body for section in text.sections)
    assert "Three hundred people" in bodies and "It is cheap." in bodies
    assert draft(arrival).recipients[0].name["en"] == "Department for Buses"


def test_an_osdi_petition() -> None:
    arrival = one(OSDI)
    assert (arrival.source, arrival.signatures) == ("Action Network", 1234)
    assert [demand.text for demand in draft(arrival).texts["en"].demands] == [
        "Keep the bus",
        "Publish the numbers",
    ]
    assert [(m.kind, m.text) for m in arrival.materials] == [("note", "Nurses need it.")]
    many = {"_embedded": {"osdi:petitions": [OSDI, OSDI | {"title": "Another"}]}}
    assert [p.title for p in recognise.recognise(json.dumps(many).encode()).petitions] == [
        "Keep the night bus",
        "Another",
    ]


def test_the_staff_table_of_a_petitions_site() -> None:
    text = (
        "public_url,id,action,background,additional_details,creator_name,creator_email,signature_count,"
        "government_response_summary,government_response_at,updated_at\n"
        'https://example.org/1,1,Save it,"Because,\nit is ours",More,Suzie,suzie@example.org,17,No.,2020-01-02,'
        "2020-01-03\n"
    )
    (arrival,) = recognise.recognise(text.encode("utf-16")).petitions
    assert (arrival.title, arrival.summary, arrival.signatures) == ("Save it", "Because,\nit is ours", 17)
    assert "suzie@example.org" not in found.as_json((arrival,)) and "Suzie" not in found.as_json((arrival,))
    public = "Petition,URL,State,Signatures Count\nA,https://example.org/1,open,5\nB,https://example.org/2,closed,6\n"
    assert [p.signatures for p in recognise.recognise(public.encode()).petitions] == [5, 6]


def test_our_own_json_and_manifest_come_back_as_they_went_out(site: SiteOfTests) -> None:
    petition = site.publish()
    before = petition.definition
    files = drafting.own_files(one(json.loads(api.petition(petition).body)), 1)
    after = folder.parse(files)
    assert {lang: _public(text) for lang, text in after.texts.items()} == {
        lang: _public(text) for lang, text in before.texts.items()
    }
    assert [(r.key, dict(r.name), r.language, r.group) for r in after.recipients] == [
        (r.key, dict(r.name), r.language, r.group) for r in before.recipients
    ]
    assert after.controller != before.controller and after.organiser != before.organiser, (
        "others answer for it"
    )
    assert not after.organiser_keys and folder.lacking(after)
    (arrival,) = recognise.recognise(petition.manifest).petitions
    again = folder.parse(drafting.own_files(arrival, 1))
    assert again.texts["en"] == before.texts["en"] and again.languages == ("en",)


def _public(text: Any) -> tuple[object, ...]:
    return (
        text.title,
        text.summary,
        text.subject,
        text.sections,
        text.demands_heading,
        text.demands,
        text.closing,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_hostile_values_make_a_petition_or_a_refusal(data: st.DataObject) -> None:
    """Any value of any type in any place of any known format. What is carried in a form comes back the same."""
    kind = data.draw(st.sampled_from(["uk", "osdi", "ours", "manifest"]))
    if kind == "osdi":
        document: Any = OSDI | {data.draw(st.sampled_from(sorted(OSDI))): data.draw(JSON)}
    elif kind == "manifest":
        document = {
            "v": 1,
            "terms": {
                "petition": "x",
                "text": data.draw(JSON),
                "language": data.draw(JSON),
                "recipients": data.draw(JSON),
            },
        }
    else:
        changes = {data.draw(st.sampled_from(sorted(UK["data"]["attributes"]))): data.draw(JSON)}
        if kind == "ours":
            changes |= {
                "manifest_sha256": "00",
                "texts": data.draw(JSON | st.dictionaries(st.just("en"), JSON)),
                "recipients": data.draw(JSON),
            }
        document = {"data": UK["data"] | {"attributes": UK["data"]["attributes"] | changes}}
    try:
        arrivals = recognise.recognise(json.dumps(document).encode()).petitions
    except NotRecognised:
        return
    assert found.from_json(found.as_json(arrivals)) == arrivals
    for arrival in arrivals:
        try:
            drafting.own_files(arrival, 1) if arrival.own else draft(arrival)
        except (NotRecognised, FolderError):
            continue


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_what_a_browser_sends_instead_is_refused(value: object) -> None:
    with pytest.raises(NotRecognised):
        found.from_json(json.dumps([value]))
    with pytest.raises(NotRecognised):
        found.from_json(json.dumps({"own": value}))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_markup_becomes_words(text: str) -> None:
    plain = markup.plain(f"<p>{text}</p><script>evil()</script>")
    assert "evil()" not in plain
    assert markup.plain("no tags: 1 < 2 & 3") == "no tags: 1 < 2 & 3"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"PK\x03\x04", "kind"),
        (b"%PDF-1.7", "kind"),
        (b'{"a": 1, "a": 2}', "broken"),
        (b'{"a": ', "broken"),
        (b"[" * 5_000, "broken"),
        (b'{"hello": "world"}', "json"),
        (b"just a sentence", "table"),
        (b"x" * 12_000_001, "large"),
    ],
)
def test_what_is_no_petition_is_named(data: bytes, code: str) -> None:
    with pytest.raises(NotRecognised) as refused:
        recognise.recognise(data)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://user:x@example.org/",
        "//example.org",
        "data:text/html,x",
        'https://e.org/"x',
    ],
)
def test_only_addresses_of_the_web_are_kept(link: str) -> None:
    assert found.web_address(link) == ""
