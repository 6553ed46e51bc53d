"""Carol's commands about petitions: each names the next step, and no command loses text that she wrote."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sabal.cli import main
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import EXAMPLE, SiteOfTests

SLUG = "stop-forced-repatriation"
LETTER = """To: The Mayor

Give Mill Street its night bus back

The last bus goes at nine.

We demand:
1. A bus at eleven
"""


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments], catch_exceptions=False)


def test_importing_a_letter_makes_a_draft_and_says_how_to_edit_it(site: SiteOfTests, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text(LETTER)
    result = run("import", str(letter))
    slug = result.output.splitlines()[0]
    assert f"Next: sabal export {slug}, edit the files in {slug}/, sabal import {slug}/" in result.output
    assert f"sabal keys use {slug}" in result.output


def test_a_file_of_a_folder_is_not_imported_as_a_letter(site: SiteOfTests) -> None:
    result = run("import", str(EXAMPLE / "en.md"))
    assert result.exit_code == 2 and f"sabal import {EXAMPLE}" in result.stderr
    assert not Petition.objects.exists()


def test_export_does_not_overwrite_an_edited_folder(site: SiteOfTests, tmp_path: Path) -> None:
    assert run("import", str(EXAMPLE)).exit_code == 0
    arguments = ("export", SLUG, "--to", str(tmp_path))
    assert run(*arguments).exit_code == run(*arguments).exit_code == 0
    edited = tmp_path / SLUG / "ko.md"
    edited.write_text("edited")
    result = run(*arguments)
    assert result.exit_code == 2 and "--force" in result.stderr and edited.read_text() == "edited"
    assert run(*arguments, "--force").exit_code == 0 and edited.read_text() != "edited"


def test_importing_again_keeps_the_chosen_key(site: SiteOfTests) -> None:
    run("import", str(EXAMPLE))
    drafts.use_keys(SLUG, (str(site.identity.recipient),))
    result = run("import", str(EXAMPLE))
    assert "There is no organiser key" not in result.output
    assert drafts.definition(SLUG).organiser_keys == (str(site.identity.recipient),)


def test_a_draft_can_be_discarded_and_a_published_petition_cannot(site: SiteOfTests) -> None:
    run("import", str(EXAMPLE))
    assert run("resume", SLUG).exit_code == 2
    assert run("discard", SLUG).exit_code == 0 and not Petition.objects.exists()
    assert run("discard", SLUG).exit_code == 2
    site.publish()
    result = run("discard", SLUG)
    assert result.exit_code == 2 and "Close it to end it." in result.stderr
    assert Petition.objects.count() == 1


def test_a_language_without_a_translation_is_named(site: SiteOfTests, tmp_path: Path) -> None:
    folder = tmp_path / "petition"
    folder.mkdir()
    for source in EXAMPLE.iterdir():
        text = source.read_text(encoding="utf-8").replace("zh-hans", "de")
        (folder / source.name.replace("zh-hans", "de")).write_text(text, encoding="utf-8")
    warning = "Sabal has no translation into de: "
    assert warning not in run("import", str(EXAMPLE)).stdout
    result = run("import", str(folder))
    assert warning in result.stdout, result.stderr


def test_what_is_missing_for_publishing_is_a_list(site: SiteOfTests, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text(LETTER)
    slug = run("import", str(letter)).output.splitlines()[0]
    refused = run("publish", slug)
    first, *others = refused.stderr.splitlines()
    assert refused.exit_code == 2 and first == f"{slug} cannot be published yet:"
    assert len(others) > 3 and all(line.startswith("- ") for line in others[:-2])
    assert others[-2:] == [
        f"Next: sabal export {slug}, edit the files in {slug}/, sabal import {slug}/",
        f"Then: sabal keys new --out FILE, sabal keys use {slug} FILE.pub",
    ]


def test_who_lacks_only_a_key_is_told_how_to_make_one(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    files = drafts.export_files(SLUG)
    files["petition.toml"] = re.sub(r"(?ms)^organiser_keys = .*?\]\n", "", files["petition.toml"])
    files["petition.toml"] = files["petition.toml"].replace(SLUG, "night-bus")
    folder.write(files, tmp_path / "night-bus")
    assert run("import", str(tmp_path / "night-bus")).exit_code == 0
    last = run("publish", "night-bus").stderr.splitlines()[-1]
    assert last == "Next: sabal keys new --out FILE, sabal keys use night-bus FILE.pub"


@pytest.mark.parametrize("path", ["nowhere.jsonl", "no/where"])
def test_opening_a_missing_file_is_refused(site: SiteOfTests, tmp_path: Path, path: str) -> None:
    key = tmp_path / "key"
    key.write_text(f"{site.identity}\n")
    result = run("open", path, "--identity", str(key))
    assert result.exit_code == 2 and result.stderr == f"There is no file {path}.\n"


def test_opening_a_petition_without_signatures_says_so(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    key = tmp_path / "key"
    key.write_text(f"{site.identity}\n")
    result = run("open", SLUG, "--identity", str(key))
    assert "No confirmed signatures" in result.stderr
