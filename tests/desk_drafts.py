"""Make and complete a draft through the forms of the desk, for tests."""

import agefile
from desk_clients import LETTER, Person
from sabal.petitions.models import Petition

TERMS = {
    "profile": "open",
    "organiser:en": "Friends of the night bus",
    "name:en": "Friends of the night bus e.V.",
    "address:en": "Hill Road 1\r\n1234 Town",
    "purpose:en": "To tell the council.",
    "privacy_contact": "privacy@example.org",
    "retention": "2030-01-31",
    "country": "on",
}


def made(ed: Person, letter: str = LETTER, **more: str) -> Petition:
    """Make a draft of a letter."""
    answer = ed.browser.post("/new", {"organisation": "ours", "text": letter, "make": "1", **more})
    assert answer.status_code == 302, answer.content.decode()
    return Petition.objects.latest("pk")


def saved(ed: Person, petition: Petition, path: str, **form: object) -> int:
    """Send one of the forms of a petition, and return the status of the answer."""
    petition.refresh_from_db()
    return ed.browser.post(
        f"/petitions/{petition.slug}/{path}", {"revision": petition.revision, **form}
    ).status_code


def with_key(ed: Person, petition: Petition, identity: agefile.Identity) -> None:
    """Choose a key and show that it opens."""
    assert saved(ed, petition, "key", key=str(identity.recipient)) == 302
    sealed = ed.browser.post(f"/petitions/{petition.slug}/key/check-file").content
    code = agefile.decrypt(sealed, [identity]).decode()
    assert saved(ed, petition, "key/code", code=code) == 302


TWO = {
    "petition.toml": """slug = "night-bus"
languages = ["en", "ko"]
authoritative = "en"
organiser = "Friends of the night bus"
profile = "open"
retention = 2031-01-31 # as promised
purpose = "To tell the council."
[controller]
name = "Friends of the night bus e.V."
address = "Hill Road 1"
privacy_contact = "privacy@example.org"
[[recipients]]
name.en = "The Town Council"
name.ko = "시의회"
# at the station
[[recipients]]
name = "The Bus Company"
""",
    "en.md": "---\ntitle: Keep the bus\nsummary: We ask.\n---\n\n## Background\n\nOld *words*.\n\n## We ask\n\n"
    "* Keep it\n    * At night\n* Publish the numbers\n",
    "ko.md": "---\ntitle: 버스를 지켜 주세요\nsummary: 요구합니다.\n---\n\n## 배경\n\n옛날.\n\n## 요구\n\n"
    "- 유지하라\n  - 밤에도\n- 숫자를 공개하라\n",
}
"""A draft in two languages, written in its own way."""
