"""Signature sheets for paper: what is signed, numbered lines, what happens with the sheet, and a number on each."""

from dataclasses import dataclass
from datetime import date

from sabal.dossier import tokens
from sabal.dossier.languages import LANGUAGES, words_in
from sabal.dossier.letter import shown
from sabal.dossier.paper import Paper, code_of, common, page_url
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal

PAPERS = {"a4": (14, 20), "a3": (26, 40)}
"""The paper sizes, with the usual number of lines and the most."""
LEAST_LINES, MOST_SHEETS, MOST_NUMBER = 4, 100, 99_999
MOST_DEMANDS = 6  # more would leave no room for lines


@dataclass(frozen=True)
class Sheets:
    """What is printed: the language, the paper, the lines of each sheet, and the numbers of the sheets."""

    language: str
    paper: str = "a4"
    lines: int = 0  # 0: the usual number
    first: int = 1
    number: int = 1


def sheet_languages(petition: PetitionSnapshot) -> list[str]:
    """Return the languages of sheets: people sign a text of the petition, so it must have them."""
    return [one for one in petition.definition.languages if one in LANGUAGES]


def sheets(petition: PetitionSnapshot, wanted: Sheets, day: date) -> Paper:
    """Return numbered sheets as one file. Raises Refusal if they cannot be printed so."""
    _check(petition, wanted)
    words, definition = words_in(wanted.language), petition.definition
    text, url = definition.texts[wanted.language], page_url(petition, words)
    controller = definition.controller
    name = " ".join(controller.name[wanted.language].split())
    privacy = words.say(
        "sheet_privacy",
        controller=name,
        purpose=definition.purpose[wanted.language].strip(),
        get=words[f"sheet_get_{definition.recipients_get}"],
        date=words.day(definition.retention),
        contact=controller.privacy_contact,
    )
    data = common(petition, words, day, title=f"{words['sheet']}: {text.title}", reference="")
    data |= {
        "paper": wanted.paper,
        "lines": wanted.lines or PAPERS[wanted.paper][0],
        "numbers": [words.say("sheet_number", number=str(wanted.first + at)) for at in range(wanted.number)],
        "subject": text.title,
        "recipients": " · ".join(one.name[wanted.language] for one in definition.recipients),
        "demands": shown(text.demands[:MOST_DEMANDS], parts=False),
        "summary": text.summary,
        "more_demands": len(text.demands) > MOST_DEMANDS,
        "whole_text": words.nodes("sheet_text", url=tokens.link(url)),
        "columns": [words[f"sheet_{key}"] for key in ("line", "name", "place", "signature")],
        "danger": words["sheet_danger"] if petition.profile.guarded else "",
        "privacy": privacy,
        "back": [name, *(line.strip() for line in controller.address[wanted.language].strip().splitlines())],
        "online": words.nodes("sheet_online", url=tokens.link(url)),
        "qr": code_of(f"{url}#sign"),
        "qr_alt": words.say("qr_alt", url=url),
    }
    return Paper("sheet", data)


def _check(petition: PetitionSnapshot, wanted: Sheets) -> None:
    languages = sheet_languages(petition)
    if wanted.language not in languages:
        raise Refusal(
            "People sign a text of the petition. So sheets are printed in its languages, as far as papers have them:"
            " %(known)s.",
            known=", ".join(languages) or "–",
        )
    if wanted.paper not in PAPERS:
        raise Refusal(
            "The paper is %(known)s, and not “%(given)s”.", known=", ".join(PAPERS), given=wanted.paper
        )
    most = PAPERS[wanted.paper][1]
    if wanted.lines and not LEAST_LINES <= wanted.lines <= most:
        raise Refusal("A sheet of this size has %(least)d to %(most)d lines.", least=LEAST_LINES, most=most)
    if not 1 <= wanted.number <= MOST_SHEETS:
        raise Refusal("One file has 1 to %(most)d sheets.", most=MOST_SHEETS)
    if not 1 <= wanted.first <= MOST_NUMBER:
        raise Refusal("The number of the first sheet is 1 to %(most)d.", most=MOST_NUMBER)
