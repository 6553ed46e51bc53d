"""The history: each line belongs to its petition, whatever its address is now."""

from html import unescape

from desk_clients import LETTER, Person
from sabal.accounts import audit
from sabal.accounts.models import AuditEntry
from sabal.delivery.contact import Contact
from sabal.desk.titles import public_definition_of
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.publishing.renaming import rename
from sabal.updates.models import Post, PostVersion


def begun(ed: Person, title: str) -> Petition:
    before = set(Petition.objects.values_list("pk", flat=True))
    text = LETTER.replace("The night bus must stay", title)
    form = {"organisation": "ours", "text": text, "make": "1"}
    assert ed.browser.post("/new", form).status_code == 302
    return Petition.objects.exclude(pk__in=before).get()


def lines(ed: Person, address: str = "/history") -> list[tuple[str, str]]:
    """Return for each draft that was made its title and what is said of its address, the newest first."""
    page = ed.browser.get(address).context["page"]
    return [(one.title, one.petition) for one in page if one.what == "draft-made"]


def test_an_address_that_is_used_again_says_nothing_of_the_old_lines(ed: Person) -> None:
    ed.user.memberships.update(rights=["invite"])
    first = begun(ed, "The night bus must stay")
    slug = first.slug
    files = drafts.export_files(slug)
    rename(first, "the-bus")
    drafts.import_files({**files, "petition.toml": files["petition.toml"].replace(slug, "the-bus")})
    second = begun(ed, "Another bus must stay")
    rename(second, slug)
    assert lines(ed)[0] == ("Another bus must stay", "another-bus-must-stay")
    assert lines(ed)[1] == ("The night bus must stay", slug)
    page = ed.browser.get("/history").content.decode()
    assert f"then: {slug}" in page, "the address then"
    assert "shell" not in page


def test_a_line_outlives_its_draft(ed: Person) -> None:
    ed.user.memberships.update(rights=["invite"])
    petition = begun(ed, "The night bus must stay")
    assert ed.browser.post(f"/petitions/{petition.slug}/discard").status_code == 302
    page = ed.browser.get("/history").content.decode()
    assert "discarded the draft: The night bus must stay" in page and "deleted" in page
    again = begun(ed, "The night bus must stay")
    assert AuditEntry.objects.filter(petition_number=again.pk).count() == 1


def test_codes_are_words(ed: Person) -> None:
    ed.user.memberships.update(rights=["invite"])
    petition = begun(ed, "The night bus must stay")
    audit.record(ed.user, "translated", petition=petition, details="ko")
    audit.record(ed.user, "role-changed", petition=petition, details="max@example.org: viewer")
    page = ed.browser.get("/history").content.decode()
    assert "translated into: Korean · 한국어" in page and "max@example.org: Viewer" in page
    ed.browser.cookies["django_language"] = "ko"
    page = ed.browser.get("/history").content.decode()
    assert ("번역함: 한국어" in page and "max@example.org: 열람자" in page) or "보는" in page
    csv = ed.browser.get("/history.csv").content.decode()
    assert "The night bus must stay" in csv


def test_deliveries_and_updates_are_words(ed: Person) -> None:
    ed.user.memberships.update(rights=["invite"])
    petition = begun(ed, "The night bus must stay")
    definition = public_definition_of(petition)
    assert definition is not None
    key = definition.recipients[0].key
    name = definition.recipients[0].name["en"]
    Contact.objects.create(petition=petition, group=key, key="france", names={"en": "France"})
    post = Post.objects.create(petition=petition, number=3, made_at=0)
    PostVersion.objects.create(post=post, number=1, made_at=0, texts={"en": {"title": "They met us"}})
    said = {
        ("step-delivered", key): f"recorded a delivery: {name}",
        ("contact-changed", f"{key}/france"): "is reached: France",
        ("members-loaded", f"{key}: 15"): f"{name}: 15",
        ("delivery-asked", f"{key}, gone"): f"{name}, gone",
        ("delivery-cancelled", "0123456789abcdef"): "cancelled what was to be sent",
        ("proof-added", f"{key} 7"): f"added a proof: {name}",
        ("demand-stated", f"{key} refused demand-1-1 demand-2"): f"{name}: Refused (1.1, 2)",
        ("statement-corrected", f"{key} demand-2"): f"{name}: 2",
        ("demand-continued", "v1 demand-1 → v2 demand-3"): "1 in version 1 → 3 in version 2",
        ("update-published", "3"): "published the update: They met us",
        ("update-taken-back", "9"): "took back the update: 9",
        ("updates-pace", "7"): "At most once a week",
        ("sending-rules", "1000 / – / final"): "at 1,000 signatures, when it is finalised",
        ("sending-rules", "– / – / –"): "never",
        ("demand-stated", "what no version writes"): "what no version writes",
    }
    for what, details in said:
        audit.record(ed.user, what, petition=petition, details=details)
    page = unescape(ed.browser.get("/history").content.decode())
    for words in said.values():
        assert words in page, words
    assert "0123456789abcdef" not in page and "demand-" not in page
