"""Amend: a petition's new text is published in the log while people sign, and keeps every promise given to signers."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import agefile
import tlog
from ledger.reading import read
from sabal.cli import main
from sabal.ledger.publication import publication
from sabal.petitions import folder
from sabal.petitions.amendment import Amendment, AmendmentKind, kinds
from sabal.petitions.history import difference
from sabal.petitions.models import Petition, Version
from sabal.publishing import drafts, states, versions
from sabal.refusal import Refusal
from sabal.signing.operations import Outcome
from signing.steps import ask, confirmation, confirmed, signed
from sites import NOW, TODAY, SiteOfTests

SLUG = "stop-forced-repatriation"
WEEK = 604_800


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def amended(tmp_path: Path, old: str = "", new: str = "", file: str = "en.md") -> Path:
    """Write the petition's exported folder with one change and return its path."""
    files = drafts.export_files(SLUG)
    assert old in files[file]
    files[file] = files[file].replace(old, new)
    folder.write(files, tmp_path / SLUG)
    return tmp_path / SLUG


def test_a_new_text_is_published_in_the_log(site: SiteOfTests, tmp_path: Path) -> None:
    before = site.publish()
    early = confirmed(site, before)
    site.sequence(before, NOW + WEEK)
    late, form = signed(site, before, "max@example.org"), ask(site, before, "carol@example.org")
    states.pause(SLUG)
    changed = amended(tmp_path, before.definition.texts["en"].title, "Let them live")
    result = run("import", changed)
    assert result.exit_code == 0 and f"sabal publish {SLUG}" in result.output
    assert site.petition().manifest == before.manifest  # not public yet
    assert run("publish", SLUG).exit_code == 0
    after = site.petition()
    assert after.definition.texts["en"].title == "Let them live" and after.amended_on is not None
    assert before.amended_on is None and len(after.manifest_names) == 2
    assert [version.number for version in after.versions] == [1, 2]
    found_changes = difference(*after.versions, "en")
    assert found_changes.text and not (found_changes.terms or found_changes.keys or found_changes.elsewhere)
    # A signature under the old text can still be confirmed under it. A form with the old text is shown again.
    assert site.writer.commit(site.database, [confirmation(late)]) == [Outcome.DONE]
    assert site.writer.commit(site.database, [form.operation]) == [Outcome.STALE]
    confirmed(site, after, "new@example.org")
    site.sequence(after, NOW + 2 * WEEK)
    found = read(publication(after).folder, publication(after).key)
    kinds = [entry[1] for entry in found.entries]
    sign, amend = tlog.entry.Type.SIGN, tlog.entry.Type.AMEND
    assert kinds == [tlog.entry.Type.OPEN, sign, amend, sign, sign] and found.tally.counted == 3
    assert found.entries[2] == tlog.entry.Amend(after.manifest_hash).encode()
    assert found.entries[1] == tlog.entry.Sign(early.operation.commitment).encode()


def test_an_amendment_can_be_discarded(site: SiteOfTests, tmp_path: Path) -> None:
    before = site.publish()
    states.pause(SLUG)
    run("import", amended(tmp_path, before.definition.texts["en"].title, "Let them live"))
    assert run("resume", SLUG).exit_code == 0  # with the public text
    assert (site.petition().state, site.petition().manifest) == ("open", before.manifest)
    states.pause(SLUG)
    result = run("discard", SLUG)
    assert result.exit_code == 0 and f"sabal resume {SLUG}" in result.output and Version.objects.count() == 1
    assert run("discard", SLUG).exit_code == 2  # a published version cannot be discarded
    assert run("resume", SLUG).exit_code == 0
    after = site.petition()
    assert (after.state, after.manifest) == ("open", before.manifest)
    # Another amendment can be made later.
    states.pause(SLUG)
    run("import", amended(tmp_path, before.definition.texts["en"].title, "Let them go"))
    versions.publish(SLUG, site.keystore, TODAY, NOW)
    assert site.petition().definition.texts["en"].title == "Let them go"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('profile = "guarded"', 'profile = "open"', "profile cannot change"),
        ('dedupe = "pepper"', 'dedupe = "offline"', "finds duplicates cannot change"),
        ("retention = 2028-11-30", "retention = 2029-11-30", "Only an earlier day"),
    ],
)
def test_an_amendment_keeps_the_promises_to_signers(
    site: SiteOfTests, tmp_path: Path, old: str, new: str, message: str
) -> None:
    site.publish()
    states.pause(SLUG)
    files = drafts.export_files(SLUG)
    assert old in files["petition.toml"]
    with pytest.raises(Refusal, match=message):
        drafts.import_files(files | {"petition.toml": files["petition.toml"].replace(old, new)})
    assert Version.objects.count() == 1


def _without_korean(terms: str) -> str:
    return re.sub(r'(?ms)^\S+\.ko = ("""(.*?)"""|[^\n]*)\n|, "ko"', "", terms)


def test_an_amendment_keeps_every_language(site: SiteOfTests) -> None:
    site.publish()
    states.pause(SLUG)
    files = drafts.export_files(SLUG)
    del files["ko.md"]
    files = {name: _without_korean(text) if name == "petition.toml" else text for name, text in files.items()}
    with pytest.raises(Refusal, match="keeps the language ko"):
        drafts.import_files(files)


@pytest.mark.parametrize("state", ["open", "paused"])
def test_signing_goes_on_while_a_text_is_amended(site: SiteOfTests, tmp_path: Path, state: str) -> None:
    before = site.publish()
    confirmed(site, before)
    if state == "paused":
        states.pause(SLUG)
    assert (
        run("import", amended(tmp_path, before.definition.texts["en"].title, "Let them live")).exit_code == 0
    )
    during = site.petition()
    assert (during.state, during.manifest) == (state, before.manifest)
    if state == "open":
        confirmed(site, during, "max@example.org")
    why = Amendment(AmendmentKind.CORRECTION, {"en": "A word was missing.", "ko": "단어가 빠졌습니다."})
    versions.publish(SLUG, site.keystore, TODAY, NOW, amendment=why, stay_paused=True)
    after = site.petition()
    assert after.state == state and after.definition.texts["en"].title == "Let them live"
    assert [version.amendment for version in after.versions] == [None, why]
    assert json.loads(after.manifest)["amendment"]["why"]["en"] == "A word was missing."
    site.sequence(after, NOW + WEEK)
    found = read(publication(after).folder, publication(after).key)
    assert found.tally.counted == (2 if state == "open" else 1)


def test_what_is_as_published_is_no_amendment(site: SiteOfTests, tmp_path: Path) -> None:
    before = site.publish()
    title = before.definition.texts["en"].title
    run("import", amended(tmp_path, title, "Let them live"))
    assert drafts.has_amendment(Petition.objects.get())
    run("import", amended(tmp_path, "Let them live", title))
    assert not drafts.has_amendment(Petition.objects.get()) and Version.objects.count() == 1
    assert run("publish", SLUG).exit_code == 2


def test_a_new_key_of_an_open_petition_counts_only_once_it_is_published(site: SiteOfTests) -> None:
    before, identity = site.publish(), site.identity
    new = agefile.generate()
    drafts.use_keys(SLUG, (str(new.recipient),))
    assert [str(key) for key in site.petition().organiser_keys] == [str(identity.recipient)]
    confirmed(site, site.petition())
    with pytest.raises(Refusal, match="key check"):
        versions.publish(SLUG, site.keystore, TODAY, NOW)
    drafts.discard(SLUG)
    assert Petition.objects.get().key_check_answered and site.petition().manifest == before.manifest
    after = site.publish_again(SLUG)
    assert [str(key) for key in after.organiser_keys] == [str(site.identity.recipient)]


def test_the_published_key_needs_no_second_check(site: SiteOfTests, tmp_path: Path) -> None:
    """Another key was chosen by mistake, and then the old one again: the change of the text can be published."""
    published = site.publish()
    run("import", amended(tmp_path, published.definition.texts["en"].title, "Let them go"))
    drafts.use_keys(SLUG, (str(agefile.generate().recipient),))
    with pytest.raises(Refusal, match="key check"):
        versions.publish(SLUG, site.keystore, TODAY, NOW)
    drafts.use_keys(SLUG, (str(site.identity.recipient),))
    versions.publish(SLUG, site.keystore, TODAY, NOW)
    assert site.petition().definition.texts["en"].title == "Let them go"


def test_a_petition_that_has_ended_is_not_amended(site: SiteOfTests) -> None:
    site.publish()
    files = drafts.export_files(SLUG)
    states.close(SLUG, TODAY)
    with pytest.raises(Refusal, match="can no longer change"):
        drafts.import_files(files)
    with pytest.raises(Refusal, match="can no longer change"):
        drafts.use_keys(SLUG, (str(site.identity.recipient),))


def test_a_change_of_shape_is_no_correction(site: SiteOfTests) -> None:
    old = site.publish().definition
    both = (AmendmentKind.CORRECTION, AmendmentKind.MEANING)
    assert kinds(old, old, same_texts=True) == both
    text = old.texts["en"]
    fewer = replace(old, texts={**old.texts, "en": replace(text, demands=text.demands[:-1])})
    assert kinds(old, fewer, same_texts=False) == (AmendmentKind.MEANING,)
    others = replace(old, recipients=old.recipients[1:])
    assert kinds(old, others, same_texts=True) == (AmendmentKind.MEANING,)
    key = replace(old, organiser_keys=("age1other",))
    assert kinds(old, key, same_texts=True) == (AmendmentKind.KEYS,)
    assert kinds(old, key, same_texts=False) == ()
    assert kinds(old, replace(fewer, organiser_keys=("age1other",)), same_texts=True) == ()


def test_publishing_example_people_gives_a_warning(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    states.pause(SLUG)
    assert "example people" in run("publish", SLUG).output
    states.pause(SLUG)
    changed = amended(tmp_path, "Example", "of the tests", "petition.toml") / "petition.toml"
    changed.write_text(changed.read_text().replace("example.org", "tests.test"))
    assert run("import", changed.parent).exit_code == 0
    output = run("publish", SLUG).output
    assert Petition.objects.get().state == "open" and "example people" not in output
