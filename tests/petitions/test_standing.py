"""Progress of each demand, and that a statement never moves to another demand when the text is amended."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.bus import night_bus
from sabal.petitions.definition import Definition, Demand, Recipient
from sabal.petitions.deliveries import (
    Deliveries,
    DemandState,
    PublicContinuation,
    PublicStatement,
    PublicStep,
    StepKind,
    chains,
)
from sabal.petitions.standing import Progressed, SignedVersion, Standing, leaves, progressed, same_demands

BUS = night_bus("en")
DAY = date(2026, 3, 14)
Outline = Sequence[tuple[str, Sequence[str]]]  # the words of each demand, and of its parts


def petition(outline: Outline, recipients: Sequence[str] = ("council",)) -> Definition:
    """Return the night bus with these demands and recipients."""
    demands = tuple(
        Demand(
            f"demand-{n}",
            words,
            tuple(Demand(f"demand-{n}-{m}", part) for m, part in enumerate(parts, start=1)),
        )
        for n, (words, parts) in enumerate(outline, start=1)
    )
    return replace(
        BUS,
        texts={"en": replace(BUS.texts["en"], demands=demands)},
        recipients=tuple(Recipient(key, {"en": key.title()}) for key in recipients),
    )


def step(
    number: int, kind: StepKind, days: int = 0, recipient: str = "council", **values: object
) -> PublicStep:
    on = DAY + timedelta(days=days)
    return PublicStep(number, recipient, kind, on, on, **values)  # type: ignore[arg-type]


def said(number: int, state: DemandState, days: int = 0, **values: object) -> PublicStatement:
    on = DAY + timedelta(days=days)
    about = {"recipient": "council", "version": 1, "anchor": "demand-1", **values}
    return PublicStatement(id=number, state=state, on=on, made_on=on, **about)  # type: ignore[arg-type]


def where(
    steps: Sequence[PublicStep] = (),
    statements: Sequence[PublicStatement] = (),
    outline: Outline = (("Keep it", ()),),
) -> tuple[Standing, date | None]:
    found = progressed(Deliveries(tuple(steps), tuple(statements)), [SignedVersion(1, petition(outline))])
    cell = found.cells["demand-1", "council"]
    return cell.standing, cell.since


D, S = StepKind, DemandState


@pytest.mark.parametrize(
    ("steps", "statements", "standing", "since"),
    [
        ((), (), Standing.NOT_DELIVERED, None),
        ((step(1, D.REFUSED),), (), Standing.NOT_DELIVERED, None),
        ((step(1, D.DELIVERED),), (), Standing.NO_ANSWER, 0),
        ((step(1, D.DELIVERED), step(2, D.DELIVERED, 9)), (), Standing.NO_ANSWER, 0),
        ((step(1, D.DELIVERED), step(2, D.RETURNED, 3)), (), Standing.NOT_DELIVERED, None),
        ((step(1, D.DELIVERED), step(2, D.RETURNED, 3), step(3, D.DELIVERED, 5)), (), Standing.NO_ANSWER, 5),
        ((step(1, D.ACKNOWLEDGED),), (), Standing.NO_ANSWER, 0),
        ((step(1, D.DELIVERED), step(2, D.ANSWERED, 4)), (), Standing.ANSWERED, 4),
        ((step(1, D.DELIVERED), step(2, D.MISTAKE, corrects=1)), (), Standing.NOT_DELIVERED, None),
        ((step(1, D.DELIVERED), step(2, D.DELIVERED, 2, corrects=1)), (), Standing.NO_ANSWER, 2),
        ((), (said(1, S.PROMISED, 7),), Standing.PROMISED, 7),
        ((), (said(1, S.PROMISED, 7), said(2, S.MET, 9)), Standing.MET, 9),
        ((), (said(1, S.MET, 9), said(2, S.PROMISED, 7)), Standing.MET, 9),  # recorded later, said before
        ((), (said(1, S.PROMISED, 7), said(2, S.MET, 7)), Standing.MET, 7),
        ((), (said(1, S.PROMISED, 7), said(2, S.MISTAKE, 8, corrects=1)), Standing.NOT_DELIVERED, None),
        ((), (said(1, S.MET, 7), said(2, S.PARTLY, 7, corrects=1)), Standing.PARTLY, 7),
        ((step(1, D.DELIVERED),), (said(1, S.NO_ANSWER, 30),), Standing.NO_ANSWER, 0),
        ((), (said(1, S.NO_ANSWER, 30),), Standing.NO_ANSWER, 30),
        ((step(1, D.ANSWERED, 40),), (said(1, S.NO_ANSWER, 30),), Standing.ANSWERED, 40),
        ((step(1, D.ANSWERED, 40),), (said(1, S.REFUSED, 41),), Standing.REFUSED, 41),
        ((step(1, D.DELIVERED),), (said(1, S.NOT_ASKED),), Standing.NOT_ASKED, 0),
    ],
)
def test_the_newest_word_counts_and_else_what_happened(
    steps: Sequence[PublicStep], statements: Sequence[PublicStatement], standing: Standing, since: int | None
) -> None:
    expected = None if since is None else DAY + timedelta(days=since)
    assert where(steps, statements) == (standing, expected)


def test_corrected_rows_are_kept_beneath_the_one_that_counts() -> None:
    rows = [said(1, S.MET), said(2, S.PROMISED, corrects=1), said(3, S.REFUSED, corrects=2), said(4, S.MET)]
    first, second = chains(rows)
    assert (first.row.id, [row.id for row in first.before]) == (3, [2, 1]) and first.counts
    assert second.row.id == 4 and not second.before
    (mistake,) = chains([*rows[:1], said(2, S.MISTAKE, corrects=1)])
    assert not mistake.counts and mistake.shown.state is S.MET


KEEP, PUBLISH = ("Keep the bus", ()), ("Publish the numbers", ())


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ([KEEP, PUBLISH], [KEEP, PUBLISH], {"demand-1": "demand-1", "demand-2": "demand-2"}),
        ([KEEP, PUBLISH], [PUBLISH], {"demand-2": "demand-1"}),
        ([KEEP, PUBLISH], [PUBLISH, KEEP], {"demand-1": "demand-2", "demand-2": "demand-1"}),
        ([KEEP], [("New", ()), KEEP], {"demand-1": "demand-2"}),
        ([KEEP], [("Keep  the\nbus", ())], {"demand-1": "demand-1"}),
        ([KEEP], [("End the bus", ())], {}),
        ([KEEP, KEEP], [KEEP], {}),  # which of the two was it?
        ([KEEP], [KEEP, KEEP], {}),
        ([KEEP], [("Keep the bus", ("until 2030",))], {}),  # what was said was said of the whole
        (
            [("Now", ("a", "b"))],
            [("Now", ("b", "c"))],
            {"demand-1": "demand-1", "demand-1-2": "demand-1-1"},
        ),
        (
            [("City", ("Stop",)), ("State", ("Stop",))],
            [("State", ("Stop",))],
            {"demand-2": "demand-1", "demand-2-1": "demand-1-1"},
        ),
        ([("City", ("Stop",))], [("State", ("Stop",))], {}),  # the same words, asked of others
    ],
)  # fmt: skip
def test_a_demand_is_the_same_if_its_words_are(before: Outline, after: Outline, same: dict[str, str]) -> None:
    assert same_demands(petition(before), petition(after)) == same


def test_another_language_does_not_make_a_demand_the_same() -> None:
    """A translation that was not adapted yet still has the words of the demand that was replaced."""
    old, new = petition([KEEP]), petition([("Sell the bus", ())])
    korean = replace(old.texts["en"], language="ko")
    both = [replace(one, texts={**one.texts, "ko": korean}) for one in (old, new)]
    assert same_demands(*both) == {}


def test_what_was_said_of_a_demand_that_was_removed_is_shown_apart() -> None:
    versions = [SignedVersion(1, petition([KEEP, PUBLISH])), SignedVersion(2, petition([PUBLISH]))]
    found = progressed(Deliveries(statements=(said(1, S.MET),)), versions)
    assert found.cells["demand-1", "council"].standing is Standing.NOT_DELIVERED
    (earlier,) = found.earlier
    assert (earlier.version, earlier.anchor) == (1, "demand-1") and earlier.history[0].row.id == 1


def test_a_person_can_say_where_a_reworded_demand_is() -> None:
    versions = [
        SignedVersion(1, petition([KEEP, PUBLISH])),
        SignedVersion(2, petition([PUBLISH, ("Keep the night bus", ())])),
        SignedVersion(4, petition([("Keep the night bus", ()), PUBLISH])),
    ]
    rows = (
        PublicContinuation(1, "demand-1", 2, "demand-1"),
        PublicContinuation(1, "demand-1", 2, "demand-2"),
    )
    found = progressed(Deliveries((), (said(1, S.MET),), rows), versions)
    assert found.cells["demand-1", "council"].standing is Standing.MET and not found.earlier
    undone = (*rows, PublicContinuation(1, "demand-1", 2, ""))
    assert progressed(Deliveries((), (said(1, S.MET),), undone), versions).earlier


@pytest.mark.parametrize(
    "rows",
    [
        (PublicContinuation(2, "demand-1", 1, "demand-1"),),
        (PublicContinuation(1, "demand-1", 1, "demand-1"),),
        (PublicContinuation(1, "demand-1", 9, "demand-1"),),
        (PublicContinuation(1, "demand-1", 2, "demand-77"),),
    ],
)
def test_a_continuation_that_leads_nowhere_ends(rows: tuple[PublicContinuation, ...]) -> None:
    versions = [SignedVersion(1, petition([KEEP])), SignedVersion(2, petition([PUBLISH]))]
    assert progressed(Deliveries((), (said(1, S.MET),), rows), versions).earlier


def test_what_was_said_of_a_recipient_that_was_removed_is_shown_apart() -> None:
    versions = [
        SignedVersion(1, petition([KEEP], ("council", "state"))),
        SignedVersion(2, petition([KEEP], ("state",))),
    ]
    found = progressed(Deliveries(statements=(said(1, S.MET),)), versions)
    assert [one.recipient for one in found.earlier] == ["council"]
    assert found.cells["demand-1", "state"].standing is Standing.NOT_DELIVERED


words = st.sampled_from(["a", "b", "c", "d"])
outlines = st.lists(st.tuples(words, st.lists(words, max_size=3)), min_size=1, max_size=4)
keys = st.lists(st.sampled_from(["council", "state", "court"]), min_size=1, max_size=3, unique=True)


@given(st.lists(st.tuples(outlines, keys), min_size=1, max_size=4), st.data())
def test_numbers_sum_up_and_no_statement_is_about_other_words(
    texts: list[tuple[Outline, list[str]]], data: st.DataObject
) -> None:
    """Whatever is amended: each statement is in one place, with the words that it was made about."""
    versions = [SignedVersion(n, petition(*text)) for n, text in enumerate(texts, start=1)]
    statements: list[PublicStatement] = []
    for number in range(data.draw(st.integers(0, 8))):
        version = data.draw(st.sampled_from(versions))
        anchor = data.draw(st.sampled_from(leaves(version.definition.texts["en"].demands))).anchor
        to = data.draw(st.sampled_from(version.definition.recipients)).key
        state = data.draw(st.sampled_from([one for one in S if one is not S.MISTAKE]))
        days = data.draw(st.integers(0, 3))
        statements.append(said(number + 1, state, days, version=version.number, anchor=anchor, recipient=to))
    found = progressed(Deliveries(statements=tuple(statements)), versions)
    assert_sums(found)
    newest = versions[-1].definition
    seen = []
    for cell in found.cells.values():
        for chain in cell.history:
            seen.append(chain.row.id)
            assert words_of(versions[chain.row.version - 1].definition, chain.row.anchor) == words_of(
                newest, cell.anchor
            )
            assert chain.row.recipient == cell.recipient
    seen += [chain.row.id for one in found.earlier for chain in one.history]
    assert sorted(seen) == [row.id for row in statements]


def words_of(definition: Definition, anchor: str) -> list[str]:
    """Return the words of a demand, after those of the demand that it is a part of."""
    demands, found = definition.texts["en"].demands, []
    for length in range(2, anchor.count("-") + 2):
        one = next(d for d in demands if d.anchor == "-".join(anchor.split("-")[:length]))
        found.append(one.text)
        demands = one.parts
    return found


def assert_sums(found: Progressed) -> None:
    """Assert that the numbers of all, of each recipient and of each demand agree."""
    total = found.totals()
    assert sum(total.values()) == len(found.demands) * len(found.recipients) == len(found.cells)
    for standing in Standing:
        number = total.get(standing, 0)
        assert sum(found.totals(recipient=key).get(standing, 0) for key in found.recipients) == number
        assert sum(found.totals(anchors=[one.anchor]).get(standing, 0) for one in found.demands) == number
