"""The numbers of a petition for papers: those that its public pages show at that moment, and never more."""

from collections.abc import Sequence
from datetime import date

from babel.dates import format_skeleton

from sabal.dossier.languages import PaperWords
from sabal.petitions.countries import country_name
from sabal.petitions.growth import Part, Step, fitting_step, parts
from sabal.petitions.locales import locale_of_sentences
from sabal.petitions.snapshot import PetitionSnapshot

_MINUS = "−"


def count_sentence(petition: PetitionSnapshot, words: PaperWords, day: date) -> str:
    """Return how many have signed; or that the first are being gathered, or that nobody has signed."""
    if petition.gathering:
        return words.say("gathering", **{"from": words.number(petition.profile.gathering_below)})
    if not petition.counts.confirmed:
        return words["none_yet"]
    return words.count("submit_count", petition.counts.counted, date=words.day(day))


def totals(petition: PetitionSnapshot, words: PaperWords) -> dict[str, object] | None:
    """Return the lines that sum up to what counts; None while no number is shown."""
    if petition.gathering:
        return None
    counts = petition.counts
    rows = [
        (words["confirmed"], words.number(counts.confirmed)),
        (words["withdrawn"], _less(counts.withdrawn, words)),
        (words["invalidated"], _less(counts.invalidated, words)),
    ]
    return {"rows": rows, "total": (words["counted"], words.number(counts.counted))}


def countries(petition: PetitionSnapshot, words: PaperWords, most: int = 300) -> dict[str, object] | None:
    """Return the countries by the rule of the petition's profile, with what they lack; None if none is shown."""
    counts, profile = petition.counts, petition.profile
    if petition.gathering or not counts.countries:
        return None
    shown = counts.countries[:most]
    rest = counts.elsewhere + sum(n for _, n in counts.countries[most:])
    rows = [(country_name(code, words.language), words.number(n)) for code, n in shown]
    rows += [(words["elsewhere"], words.number(rest))] if rest else []
    rows += [(words["no_longer"], _less(counts.no_longer_known, words))] if counts.no_longer_known else []
    rule = ""
    if (profile.countries_from or 0) > 1 or profile.countries_round > 1:
        numbers = words.number(profile.countries_from or 0), words.number(profile.countries_round)
        rule = words.say("countries_rule", **{"from": numbers[0]}, multiple=numbers[1])
    return {"rows": rows, "total": (words["counted"], words.number(counts.counted)), "rule": rule}


def growth(petition: PetitionSnapshot, words: PaperWords, day: date) -> dict[str, object] | None:
    """Return the chart of the count over time, in shares of its width and height; None if the public sees none."""
    history = petition.grown(day) if not petition.gathering else ()
    if len(history) < 2:
        return None
    step = fitting_step(history)
    found = parts(history, step)
    if len(found) < 2:
        return None
    high, ticks = _ticks(max(one.counted for one in found))
    last = len(found) - 1
    return {
        "points": [(index / last, one.counted / high) for index, one in enumerate(found)],
        "ticks": [(tick / high, words.number(tick)) for tick in ticks],
        "days": [_name(found[at], step, words) for at in (0, last // 2, last)],
        "alt": words.say(
            "growth_alt",
            first=words.number(found[0].counted),
            first_day=words.day(found[0].first),
            last=words.number(found[-1].counted),
            last_day=words.day(history[-1].day),
        ),
    }


def _ticks(most: int) -> tuple[int, Sequence[int]]:
    """Return the height of a chart, and three to six round numbers up to it."""
    size = 10 ** max(0, len(str(most)) - 1)
    units = (unit * size // 10 for unit in (2, 5, 10, 20, 50))
    unit = next(unit for unit in units if unit and -(-most // unit) <= 5) if most else 1
    high = max(unit, -(-most // unit) * unit)
    return high, range(0, high + 1, unit)


def _name(one: Part, step: Step, words: PaperWords) -> str:
    skeleton = "yMMM" if step is Step.MONTH else "yMMMd"
    return str(format_skeleton(skeleton, one.first, locale=locale_of_sentences(words.language)))


def _less(n: int, words: PaperWords) -> str:
    return f"{_MINUS} {words.number(n)}" if n else words.number(0)
