"""README.txt of a bundle, and the section on bundles in docs/log-format.md."""

import json
import re
from pathlib import Path

from carried import bundles
from carried.checkers import CARRIED, NOTHING_KEPT, load

README = (CARRIED / "README.txt").read_text(encoding="ascii")
FORMAT = (Path(__file__).parents[2] / "docs" / "log-format.md").read_text(encoding="utf-8")
CLAIM = (
    "The log shows that nothing was taken out or changed. That signers are people rests on confirmed email addresses"
    " and, where done, on an outsider's random sample."
)
NEVER = re.compile(r"anonym|cannot be faked|hack-proof|zero-knowledge|verified signatures", re.IGNORECASE)


def test_the_readme_fits_every_window_and_claims_nothing_false() -> None:
    assert max(map(len, README.split("\n"))) <= 72 and README.endswith("\n") and "\r" not in README
    assert CLAIM in " ".join(README.split()) and CLAIM in " ".join(FORMAT.split())
    for path in CARRIED.iterdir():
        if path.is_file():
            assert not NEVER.search(path.read_text(encoding="utf-8")), path


def test_the_example_in_the_readme_is_a_sentence_of_verify_py() -> None:
    example = re.search(r"OK: the petition.*?2026\.", " ".join(README.split()))
    assert example
    result = load().check(bundles.good()["one enough"].get, NOTHING_KEPT)
    sha = "05b3abf2" + "0" * 52 + "657f"
    result |= {
        "signed": 1301,
        "counted": 1234,
        "withdrawn": 60,
        "invalidated": 7,
        "checked": bundles.COSIGNED + 2 * 86_400,
        "shown": 300,
        "matched": 300,
    }
    result |= {
        "manifests": [{"index": 0, "sha256": sha}],
        "witnesses": [{"name": "first", "time": bundles.COSIGNED}],
    }
    assert example[0] == load().sentence(result).translate({ord("…"): "...", ord("“"): '"', ord("”"): '"'})


def test_the_format_names_the_files_of_a_bundle_and_the_keys_of_the_result() -> None:
    section = FORMAT.split("## Bundle\n")[1].split("## The log's vector")[0]
    table = section.split("|---|---|\n")[1].split("\n\n")[0]
    named = re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\| (.*?) \|", table, re.MULTILINE)))
    assert all(bundles.NAMES.fullmatch(name.replace("<hash in hex>", "0" * 64)) for name in named)
    assert len(named) == bundles.NAMES.pattern.count("|") + 1
    keys = load().check(bundles.good()["bare"].get, NOTHING_KEPT)
    assert all(f"`{key}`" in section for key in keys)
    for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL):
        json.loads(block)
