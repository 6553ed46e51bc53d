"""Invented people: names made of syllables, and addresses in domains that can belong to nobody (RFC 2606)."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sabal.mail.address import EmailAddress
from sabal.signing.form import Submission

_SYLLABLES = (
    "qui",
    "lo",
    "mer",
    "tas",
    "vel",
    "oru",
    "pim",
    "bax",
    "nel",
    "dro",
    "fi",
    "sku",
    "wen",
    "zat",
    "ibb",
    "hul",
)
_OF_LANGUAGE = {
    "ko": ("뭉", "톨", "렁", "빙", "숲", "둥", "펠", "굼", "얼", "쿵", "밀", "돌"),
    "zh-hans": ("云", "溪", "石", "苔", "岚", "萤", "藤", "雾", "栗", "禾"),
}
DOMAINS = ("quillmere.example", "millhill.example", "example.org", "example.net", "example.com")


@dataclass(frozen=True)
class Person:
    """Somebody who does not exist, with a country and a language."""

    name: str
    address: str
    country: str
    language: str

    @property
    def submission(self) -> Submission:
        """Return the form as this person fills it in."""
        return Submission(self.name, EmailAddress.parse(self.address), self.country)


def person(number: int, countries: Sequence[str], languages: Sequence[str], chance: Random) -> Person:
    """Return a new person, whose address has this number. A country or language that is listed twice is likelier."""
    language = chance.choice(languages)
    own = _OF_LANGUAGE.get(language)
    name = "".join(chance.choices(own, k=3)) if own else f"{_word(chance)} {_word(chance)}"
    address = f"{_word(chance).lower()}{number}@{chance.choice(DOMAINS)}"
    return Person(name, address, chance.choice(countries), language)


def _word(chance: Random) -> str:
    return "".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3)))).title()
