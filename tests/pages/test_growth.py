"""How a petition grew: the parts sum up, the public sees them if the profile allows it, and charts are harmless."""

import gzip
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.http import PUBLIC, Refused
from sabal.pages import charts
from sabal.petitions.counts import Counts
from sabal.petitions.growth import MOST, Step, Totals, complete, fitting_step, parts
from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import GUARDED, OPEN, Reader

FIRST = date(2026, 9, 1)
PATH = "/{}/keep-the-orchard/growth"


def history(days: int, each: int = 3) -> tuple[Totals, ...]:
    return tuple(Totals(FIRST + timedelta(days=i), (i + 1) * each, i, i // 2) for i in range(days))


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 9), st.integers(0, 3), st.integers(0, 3)), max_size=30
    ),
    st.sampled_from(Step),
    st.integers(0, 500),
)
def test_the_parts_sum_up_to_what_is_shown_now(
    changes: list[tuple[int, int, int, int]], step: Step, later: int
) -> None:
    day, confirmed, withdrawn, invalidated, found = FIRST, 0, 0, 0, []
    for gap, more, left, dropped in changes:
        day += timedelta(days=gap + 1)
        confirmed, withdrawn, invalidated = confirmed + more, withdrawn + left, invalidated + dropped
        found.append(Totals(day, confirmed, withdrawn, invalidated))
    now = Counts(confirmed=confirmed + 2, withdrawn=withdrawn, invalidated=invalidated + 1)
    whole = complete(found, now, FIRST, day + timedelta(days=later))
    made = parts(whole, step)
    assert sum(part.confirmed for part in made) == now.confirmed
    assert sum(part.withdrawn for part in made) == now.withdrawn
    assert sum(part.invalidated for part in made) == now.invalidated
    assert made[-1].counted == now.counted
    assert made[0].first <= FIRST <= made[0].last and made[-1].first <= whole[-1].day <= made[-1].last
    assert all(a.last + timedelta(days=1) == b.first for a, b in pairwise(made))
    assert len(parts(whole, fitting_step(whole))) <= MOST + 1 or fitting_step(whole) is Step.MONTH


def test_a_long_history_is_shown_in_longer_parts() -> None:
    assert fitting_step(history(1)) is fitting_step(history(60)) is Step.DAY
    assert fitting_step(history(61)) is fitting_step(history(400)) is Step.WEEK
    assert fitting_step(history(500)) is Step.MONTH
    assert fitting_step(history(3), Step.WEEK) is fitting_step((), Step.WEEK) is Step.WEEK
    assert fitting_step(history(500), Step.WEEK) is Step.MONTH


def test_the_page_shows_what_the_count_shows(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    petitions[OPEN] = replace(
        petitions[OPEN],
        history=(Totals(date(2026, 11, 3), 700, 20, 0), Totals(date(2026, 11, 9), 1200, 30, 6)),
    )
    counts = petitions[OPEN].counts
    answer = reader.get(PATH.format("en"))
    page = answer.body.decode()
    assert answer.header(b"cache-control") == PUBLIC.encode()
    rows = re.findall(r"<tr><th class=\"day\"[^>]*>(.*?)</th>(.*?)</tr>", page)
    numbers = [
        [as_number(n) for n in re.findall(r"<td[^>]*>(?:− )?([\d,]+)</td>", cells)] for _, cells in rows
    ]
    assert sum(row[0] for row in numbers) == counts.confirmed
    assert sum(row[1] for row in numbers) == counts.withdrawn + counts.invalidated
    assert numbers[0][2] == counts.counted and rows[-1][0] == "1 November 2026"
    days = json.loads(reader.get("/keep-the-orchard/growth.json").body)["days"]
    assert days[0] == {"day": "2026-11-01", "confirmed": 0, "withdrawn": 0, "invalidated": 0, "counted": 0}
    assert [one["counted"] for one in days[1:3]] == [680, 1164]
    assert days[-1]["counted"] == counts.counted


def as_number(shown: str) -> int:
    return int(shown.replace(",", ""))


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
def test_the_page_is_small_and_linked(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str
) -> None:
    petitions[OPEN] = replace(petitions[OPEN], history=history(60), opened_on=FIRST)
    page = reader.get(PATH.format(language)).body
    assert len(gzip.compress(page, 9)) <= 14_000
    assert page.count(b"<svg") == 3  # two charts, and the emblem
    linked = reader.get(f"/{language}/keep-the-orchard").body.decode()
    assert f'href="/{language}/keep-the-orchard/growth"' in linked


@pytest.mark.parametrize(
    "path", ["/en/stop-forced-repatriation/growth", "/stop-forced-repatriation/growth.json"]
)
def test_a_guarded_petition_has_no_public_history(
    reader: Reader, petitions: dict[int, PetitionSnapshot], path: str
) -> None:
    petitions[GUARDED] = replace(
        petitions[GUARDED], history=history(30), counts=replace(petitions[GUARDED].counts, confirmed=5_000)
    )
    with pytest.raises(Refused) as refused:
        reader.get(path)
    assert refused.value.status == 404
    assert b"/growth" not in reader.get("/en/stop-forced-repatriation").body


def test_a_chart_contains_nothing_but_shapes_and_texts() -> None:
    """The policy would refuse a style or a script, and a name must stay a name."""
    evil = "<script>alert(1)</script>\"'&"
    drawn = [
        charts.shares([(evil, 5), ("Korea", 3), ("", 0)], evil, "en"),
        charts.growth(parts(history(40), Step.DAY), Step.DAY, evil, "ko"),
        charts.added(parts(history(40), Step.WEEK), Step.WEEK, evil, "zh-hans"),
        charts.growth(parts(history(1, 0), Step.DAY), Step.DAY, evil, "en"),
    ]
    for svg in drawn:
        root = ElementTree.fromstring(svg)
        tags = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert tags <= {"svg", "g", "path", "rect", "text"}
        names = {name for element in root.iter() for name in element.attrib}
        assert not {"style", "href", "id"} & names and not [name for name in names if name.startswith("on")]
        assert root.get("aria-label") == evil and root.get("role") == "img"
        assert "<script" not in svg
