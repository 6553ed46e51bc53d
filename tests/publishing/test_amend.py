"""Amend: a paused petition's new text is published in the log, and keeps every promise given to signers."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tlog
from ledger.reading import read
from sabal.cli import main
from sabal.ledger.publication import publication
from sabal.petitions import folder
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
    assert "sabal discard" in run("resume", SLUG).stderr
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
        ('profile = "guarded"', 'profile = "open"', "profile stays guarded"),
        ('dedupe = "pepper"', 'dedupe = "offline"', "dedupe stays"),
        ("retention = 2028-11-30", "retention = 2029-11-30", "only be earlier"),
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


def test_only_a_paused_petition_can_be_amended(site: SiteOfTests) -> None:
    site.publish()
    files = drafts.export_files(SLUG)
    with pytest.raises(Refusal, match=f"sabal pause {SLUG}"):
        drafts.import_files(files)
    states.close(SLUG, TODAY)
    with pytest.raises(Refusal, match="can no longer change"):
        drafts.import_files(files)


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
