"""Which petitions are of one organisation: whatever is published, in whatever order, nobody gets another's list."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from mail.world import definition
from sabal.petitions.definition import Definition
from sabal.petitions.organisation import choose_key
from sabal.petitions.slugs import is_free_key
from sabal.refusal import Refusal

NAMES = ("River Friends", "Night Bus League", "River Friends e.V.")
CONTACTS = ("rivers@example.org", "buses@example.org", "https://third.example/privacy")
SLUGS = ("river", "bus", "clean-river", "river-2", "x" * 60)
KEYS = ("", "", "", "river", "bus", "friends")


@st.composite
def petition(draw: st.DrawFn) -> Definition:
    one = definition()
    name, legal, contact = (draw(st.sampled_from(pool)) for pool in (NAMES, NAMES, CONTACTS))
    languages = draw(st.sampled_from((("en",), ("ko",), ("en", "ko"))))
    controller = replace(
        one.controller,
        name=dict.fromkeys(languages, legal),
        privacy_contact=contact,
        key=draw(st.sampled_from(KEYS)),
    )
    return replace(
        one,
        slug=draw(st.sampled_from(SLUGS)),
        authoritative=languages[0],
        organiser=dict.fromkeys(languages, name),
        controller=controller,
    )


@given(st.lists(petition(), max_size=8))
def test_petitions_with_one_key_have_one_contact(petitions: list[Definition]) -> None:
    published: list[tuple[str, Definition]] = []
    for one in petitions:
        try:
            key = choose_key(one, None, published, {key for key, _ in published})
        except Refusal:
            continue
        assert is_free_key(key) and one.controller.key in ("", key)
        published.append((key, one))
    contacts: dict[str, set[str]] = {}
    for key, one in published:
        contacts.setdefault(key, set()).add(one.controller.privacy_contact)
    assert all(len(found) == 1 for found in contacts.values())


@given(petition(), petition(), st.lists(petition(), max_size=3), st.booleans())
def test_an_amendment_keeps_its_key_or_gets_one_that_nobody_else_has(
    before: Definition, after: Definition, others: list[Definition], given_away: bool
) -> None:
    known = [(f"other-{n}", one) for n, one in enumerate(others)]
    taken = {"own", *(key for key, _ in known)}
    try:
        key = choose_key(after, ("own", before), known, taken, given_away=given_away)
    except Refusal:
        return
    same_contact = after.controller.privacy_contact == before.controller.privacy_contact
    shared = set(after.organiser) & set(before.organiser)
    same_names = any(
        after.organiser[language] == before.organiser[language]
        and after.controller.name[language] == before.controller.name[language]
        for language in shared
    )
    if key == "own" and given_away:
        assert same_contact and all(
            (after.organiser[one], after.controller.name[one])
            == (before.organiser[one], before.controller.name[one])
            for one in shared
        )
    elif key == "own":
        assert same_contact or same_names
    for other, one in known:
        assert key != other or one.controller.privacy_contact == after.controller.privacy_contact


@given(petition())
def test_a_key_with_subscribers_is_never_chosen_anew(one: Definition) -> None:
    one = replace(one, controller=replace(one.controller, key=""))
    taken = {one.slug, f"{one.slug[:56].strip('-')}-2", f"{one.slug[:56].strip('-')}-3"}
    key = choose_key(one, None, (), taken)
    assert key not in taken and is_free_key(key)
