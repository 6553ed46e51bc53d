"""Read, parse and write a petition folder."""

import os
import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sabal.petitions import folder
from sabal.petitions.definition import Demand, FolderError, Recipient, Section
from sabal.petitions.markdown import to_html

TOML = """\
slug = "night-bus"
languages = ["en", "ko"]
authoritative = "en"
organiser = "Carol’s campaign"
profile = "guarded"
hint = "lantern"
retention = 2031-05-01
closes = 2031-01-31
purpose.en = "To hand the petition over."
purpose.ko = "청원을 전달하기 위함입니다."

[controller]
name = "Carol’s campaign"
address = \"\"\"
Long Road 1
12345 Town\"\"\"
privacy_contact = "privacy@example.org"

[[recipients]]
name.en = "The City Council"
name.ko = "시의회"
language = "ko"
address = "council@example.org"

[[recipients]]
name = "UNHCR"
group = true
"""
EN = """\
---
title: Keep the night bus
summary: We ask the city to keep
  the night bus running.
subject: The night bus
---

## Background

The last bus leaves at *nine*.

> Nobody asked us.

## Why now

See [the plan](https://example.org/plan).

## What we ask

- Keep the bus
  - every hour
  - on Sundays
- Publish the cost
"""
KO = """\
---
title: 심야 버스를 유지해 주십시오
summary: 심야 버스를 계속 운행할 것을 요청합니다.
---

## 배경

막차가 아홉 시에 떠납니다.

## 우리의 요구

- 버스를 유지할 것
  - 한 시간마다
  - 일요일에도
- 비용을 공개할 것
"""
FILES = {"petition.toml": TOML, "en.md": EN, "ko.md": KO}


def with_change(file: str, old: str, new: str) -> dict[str, str]:
    assert old in FILES[file]
    return {**FILES, file: FILES[file].replace(old, new, 1)}


def problems_of(files: dict[str, str]) -> list[tuple[str, int, str]]:
    with pytest.raises(FolderError) as caught:
        folder.parse(files)
    return [(problem.file, problem.line, problem.sentence) for problem in caught.value.problems]


def test_a_plain_folder_is_parsed() -> None:
    definition = folder.parse(FILES)
    assert definition.slug == "night-bus"
    assert definition.languages == ("en", "ko")
    assert definition.organiser == {"en": "Carol’s campaign", "ko": "Carol’s campaign"}
    assert definition.purpose["ko"] == "청원을 전달하기 위함입니다."
    assert definition.retention == date(2031, 5, 1)
    assert definition.closes == date(2031, 1, 31)
    assert definition.controller.address == dict.fromkeys(("en", "ko"), "Long Road 1\n12345 Town")
    assert definition.recipients == (
        Recipient(
            "the-city-council", {"en": "The City Council", "ko": "시의회"}, "ko", "council@example.org"
        ),
        Recipient("unhcr", {"en": "UNHCR", "ko": "UNHCR"}, group=True),
    )
    assert (definition.dedupe, definition.recipients_get, definition.goal) == ("pepper", "count", None)
    text = definition.texts["en"]
    assert text.summary == "We ask the city to keep the night bus running."
    assert text.sections == (
        Section("Background", "The last bus leaves at *nine*.\n\n> Nobody asked us."),
        Section("Why now", "See [the plan](https://example.org/plan)."),
    )
    assert text.demands_heading == "What we ask"
    assert text.demands == (
        Demand(
            "demand-1",
            "Keep the bus",
            (Demand("demand-1-1", "every hour"), Demand("demand-1-2", "on Sundays")),
        ),
        Demand("demand-2", "Publish the cost"),
    )


def test_places_to_warn_and_services_to_leave_out_are_read() -> None:
    more = 'warn_residents = ["TD", "XK"]\nshare_without = ["x", "weibo"]\npurpose.en'
    definition = folder.parse(with_change("petition.toml", "purpose.en", more))
    assert (definition.warn_residents, definition.share_without) == (("TD", "XK"), ("x", "weibo"))
    assert (folder.parse(FILES).warn_residents, folder.parse(FILES).share_without) == ((), ())


def test_the_controller_has_a_name_and_an_address_in_each_language() -> None:
    name = 'name = "Carol’s campaign"'
    files = with_change("petition.toml", name, 'name.en = "Carol’s campaign"\nname.ko = "캐럴의 모임"')
    assert folder.parse(files).controller.name == {"en": "Carol’s campaign", "ko": "캐럴의 모임"}
    files = with_change("petition.toml", name, 'name.en = "Carol’s campaign"')
    assert problems_of(files) == [
        ("petition.toml", 13, "`name` has no text in “ko”, which `languages` names.")
    ]
    files = with_change("petition.toml", "address =", 'address.ko = "긴길 1\\n12345 마을"\naddress.en =')
    assert folder.parse(files).controller.address == {
        "en": "Long Road 1\n12345 Town",
        "ko": "긴길 1\n12345 마을",
    }


def test_the_text_after_the_demands_is_the_closing_text() -> None:
    after = "We count on *you*.\n\n> For everyone.\n\n## Who we are\n\nPeople\nof the town.\n"
    definition = folder.parse(with_change("en.md", "cost\n", f"cost\n\n{after}"))
    text = definition.texts["en"]
    assert text.closing == (
        Section("", "We count on *you*.\n\n> For everyone."),
        Section("Who we are", "People\nof the town."),
    )
    assert text.demands == folder.parse(FILES).texts["en"].demands
    assert text.sections == folder.parse(FILES).texts["en"].sections
    only_headed = folder.parse(with_change("en.md", "cost\n", "cost\n\n## Who we are\n\nPeople."))
    assert only_headed.texts["en"].closing == (Section("Who we are", "People."),)
    assert folder.parse(FILES).texts["en"].closing == ()


def test_a_profile_that_nobody_chose_is_asked_for() -> None:
    definition = folder.parse(with_change("petition.toml", '"guarded"', f'"{folder.TO_COMPLETE}"'))
    assert (definition.profile, definition.profile_chosen) == ("guarded", False)
    assert any(
        sentence.startswith("`profile` is not chosen yet. Could anyone be harmed")
        for sentence in folder.lacking(definition)
    )
    assert not any("profile" in sentence for sentence in folder.lacking(folder.parse(FILES)))


NO_HTML = "HTML is not allowed. Write Markdown, or put a backslash before a < that is meant."
NO_LINK = "A link must begin with https:// or mailto: and have an address after it."
NO_DAY = "`retention` must be a day without quotation marks, such as 2031-05-01."
NO_SLUG = "`slug` may hold only a–z, 0–9 and single hyphens between them."

# Each row: text in the file, its replacement, and the line and sentence of the problem.
WRONG_TOML = [
    ('slug = "night-bus"\n', "", 1, "`slug` is missing."),
    ('"night-bus"', '"Night Bus"', 1, NO_SLUG),
    ('"night-bus"', '"night--bus"', 1, NO_SLUG),
    ('"night-bus"', f'"{"a" * 61}"', 1, "`slug` is 61 characters long; at most 60 fit."),
    ('"night-bus"', "12", 1, "`slug` must be a text in quotation marks."),
    ('"night-bus"', '" "', 1, "`slug` is empty."),
    ('["en", "ko"]', "[]", 2, "`languages` names no language."),
    (
        '["en", "ko"]',
        '["en", "ko", "KO"]',
        2,
        "“KO” is not a language code in lower case, such as en, ko or zh-hans.",
    ),
    ('["en", "ko"]', '["en", "ko", "fr"]', 2, "`languages` names “fr”, but fr.md is missing."),
    ('["en", "ko"]', '["en", "ko", "en"]', 2, "`languages` names “en” twice."),
    ('["en", "ko"]', '"en"', 2, '`languages` must be a list of texts, such as languages = ["…", "…"].'),
    (
        'authoritative = "en"',
        'authoritative = "fr"',
        3,
        "`authoritative` is “fr”. It must be one of: en, ko.",
    ),
    (
        "Carol’s",
        '", ',
        4,
        "This is not valid TOML: Expected newline or end of document after a statement."
        ' A quotation mark inside a text needs a backslash before it: \\".',
    ),
    ('"guarded"', '"secret"', 5, "`profile` is “secret”. It must be one of: guarded, open."),
    ('hint = "lantern"\n', "", 1, "`hint` is missing."),
    (
        '"lantern"',
        '"Two words"',
        6,
        "`hint` must be one neutral word of 3 to 20 letters a–z, such as lantern.",
    ),
    ('"lantern"', '"night"', 6, "`hint` is part of the slug. It must not tell what the petition is about."),
    (
        '"lantern"',
        '"keep"',
        6,
        "`hint` is part of the title of en.md. It must not tell what the petition is about.",
    ),
    ("2031-05-01", '"2031"', 7, NO_DAY),
    ("2031-05-01", "2031-05-01T10:00:00", 7, NO_DAY),
    (
        "2031-05-01",
        "2030-05-01",
        7,
        "`retention` must be 7 days or more after `closes`, so that emails already sent can still be confirmed.",
    ),
    (
        "2031-05-01",
        "2031-02-31",
        7,
        "This is not valid TOML: Invalid date or datetime. There is no such day.",
    ),
    (
        'purpose.ko = "청원을 전달하기 위함입니다."',
        "",
        9,
        "`purpose` has no text in “ko”, which `languages` names.",
    ),
    ("purpose.ko", "purpose.fr", 10, "`purpose.fr` is in a language that `languages` does not name."),
    ("purpose.en", "gaol = 5\npurpose.en", 9, "`gaol` is not a known key here. Did you mean `goal`?"),
    (
        "purpose.en",
        "goal = 0\npurpose.en",
        9,
        "`goal` must be a whole number from 1 to 1000000000. Leave it out for none.",
    ),
    (
        "purpose.en",
        'updates = "yes"\npurpose.en',
        9,
        "`updates` must be true or false, without quotation marks.",
    ),
    (
        "purpose.en",
        'recipients_get = "names"\npurpose.en',
        9,
        "A guarded petition hands over the count only. `recipients_get` must be count.",
    ),
    (
        "purpose.en",
        'organiser_keys = ["ssh-ed25519 AAAA"]\npurpose.en',
        9,
        "“ssh-ed25519 AAAA…” is not an age recipient (they begin with age1pq1 or age1).",
    ),
    (
        "purpose.en",
        f'organiser_keys = ["age1{"q" * 58}", "age1pq1{"q" * 60}"]\npurpose.en',
        9,
        "`organiser_keys` mixes post-quantum keys (age1pq1…) with older ones (age1…).",
    ),
    (
        "purpose.en",
        'endorsers = ["AGE-SECRET-KEY-PQ-1XYZ"]\npurpose.en',
        9,
        "A secret key is in this file. Remove it, and use a new key in its place.",
    ),
    (
        "purpose.en",
        'warn_residents = ["Chad"]\npurpose.en',
        9,
        "`warn_residents`: “Chad” is no country code. For Chad write “TD”.",
    ),
    (
        "purpose.en",
        'warn_residents = ["TD", "kr"]\npurpose.en',
        9,
        "`warn_residents`: “kr” is no country code. For South Korea write “KR”.",
    ),
    (
        "purpose.en",
        'warn_residents = ["EU"]\npurpose.en',
        9,
        "`warn_residents`: “EU” is no country code. Write the two capital letters of ISO 3166-1.",
    ),
    ("purpose.en", 'warn_residents = ["TD", "TD"]\npurpose.en', 9, "`warn_residents` names “TD” twice."),
    (
        "purpose.en",
        'share_without = ["wechat"]\npurpose.en',
        9,
        "`share_without`: “wechat” is no known service. Known here: telegram, whatsapp, line, facebook, x, bluesky,"
        " mastodon, naver, weixin, weibo, qq.",
    ),
    ('[controller]\nname = "Carol’s campaign"', "[controller]", 12, "`name` is missing in [controller]."),
    (
        '"privacy@example.org"',
        '"by post"',
        17,
        "`privacy_contact` must be an email address or begin with https://.",
    ),
    (
        "privacy_contact",
        "privacy",
        17,
        "`privacy` is not a known key here. Did you mean `privacy_contact`?",
    ),
    (
        'language = "ko"',
        'language = "Korean"',
        22,
        "“Korean” is not a language code in lower case, such as en, ko or zh-hans.",
    ),
    (
        "council@example.org",
        "council at example.org",
        23,
        "“council at example.org” is not an email address.",
    ),
    ('name = "UNHCR"\n', "", 25, "This recipient has no `name`."),
    (
        'name = "UNHCR"',
        'name = "The City Council"\nkey = "the-city-council"',
        27,
        "Another recipient already has the `key` “the-city-council”.",
    ),
    (
        "group = true",
        "group = true\n[fields]\ncomment = true",
        29,
        "A guarded petition cannot offer `comment`, because what is shown could harm a signer.",
    ),
    (
        "group = true",
        'group = true\n[[recipients]]\nname.en = "A"',
        29,
        "`name` has no text in “ko”, which `languages` names.",
    ),
    ("Long Road 1", "Long\u202eRoad 1", 15, "This line holds an invisible character (U+202E). Remove it."),
    (
        "Long Road 1",
        "Lo" + "\u0301\u0323" * 6 + "ng Road 1",
        15,
        "This line has more than 10 marks on one letter. Remove them.",
    ),
    (
        "Long Road 1",
        "Long ⟦token⟧ 1",
        15,
        "The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out.",
    ),
    (
        "Long Road 1",
        "Long ⟧ 1",
        15,
        "The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out.",
    ),
]
WRONG_TEXT = [
    (
        "en.md",
        "---\ntitle",
        "title",
        1,
        "The file must begin with a line --- and, below it, the title and summary.",
    ),
    ("en.md", "bus\n---", "bus", 1, "The line --- that ends title and summary is missing."),
    ("en.md", "title: Keep the night bus\n", "", 1, "`title` is missing."),
    ("en.md", "title: Keep the night bus", "title:", 2, "`title` is empty."),
    (
        "en.md",
        "title: Keep the night bus",
        "title: Keep ⟦token⟧",
        2,
        "The brackets ⟦ and ⟧ cannot be used here. Write [ and ] or leave them out.",
    ),
    ("en.md", "Keep the night bus", "x" * 201, 2, "`title` is 201 characters long; at most 200 fit."),
    ("en.md", "subject:", "subjekt:", 5, "`subjekt` is not a known key here. Did you mean `subject`?"),
    ("en.md", "subject:", "title:", 5, "`title` appears twice. The first one is in line 2."),
    (
        "en.md",
        "subject: The",
        "The",
        5,
        "Expected “key: text” here. A longer text continues in lines that begin with a space.",
    ),
    (
        "en.md",
        "## Background",
        "Background",
        8,
        "This text is before the first heading. Begin with a line such as ## Background.",
    ),
    (
        "en.md",
        "## Background",
        "# Background",
        8,
        "Headings have two # here (##). The title is at the top of the file.",
    ),
    (
        "en.md",
        "## Background",
        "## **Background**",
        8,
        "A heading is plain text, without emphasis, code or links.",
    ),
    ("en.md", "## Background", "##", 8, "This heading is empty."),
    ("en.md", "## Background", "## Empty\n\n## Background", 8, "There is nothing beneath this heading."),
    ("en.md", "*nine*", "<b>nine</b>", 10, NO_HTML),
    ("en.md", "*nine*.", "nine.\n\n<!-- hm -->", 12, NO_HTML),
    ("en.md", "*nine*", "![a](https://example.org/a.png)", 10, "Images are not allowed."),
    ("en.md", "https://example.org/plan", "http://example.org", 16, NO_LINK),
    ("en.md", "https://example.org/plan", "javascript:alert(1)", 16, NO_LINK),
    (
        "en.md",
        "See [the plan](https://example.org/plan)",
        "See [the plan][1]\n\n[1]: https://example.org",
        18,
        "Write the link where it is used: [words](https://…).",
    ),
    (
        "en.md",
        "> Nobody",
        "- a list\n\n> Nobody",
        22,
        "This is a second list: the demands in line 12 are the only list of the file.",
    ),
    (
        "en.md",
        "> Nobody asked us.",
        "> - Nobody",
        12,
        "This is a list in a quotation. The demands are the only list of the file.",
    ),
    (
        "en.md",
        "- Keep the bus\n  - every hour\n  - on Sundays\n- Publish the cost\n",
        "Keep it.\n",
        21,
        "There is no list with the demands.",
    ),
    (
        "en.md",
        "- Keep the bus\n",
        "We ask:\n\n- Keep the bus\n",
        20,
        "Between the heading of the demands and their list nothing is allowed.",
    ),
    ("en.md", "cost\n", "cost\n\n## More\n", 25, "There is nothing beneath this heading."),
    (
        "en.md",
        "cost\n",
        "cost\n\n## More\n\nWords.\n\n- a list\n",
        29,
        "This is a second list: the demands in line 20 are the only list of the file.",
    ),
    (
        "en.md",
        "cost\n",
        "cost\n\nWords.\n\n1. a list\n",
        27,
        "This is a second list. The demands are the only list of the file.",
    ),
    (
        "en.md",
        "cost\n",
        "cost\n\nWords with <b>HTML</b>.\n",
        25,
        "HTML is not allowed. Write Markdown, or put a backslash before a < that is meant.",
    ),
    ("en.md", "- Publish the cost", "-\n- Publish the cost", 23, "This demand has no text."),
    (
        "en.md",
        "- Publish the cost",
        "- Publish the cost\n\n  And more.",
        25,
        "A demand is one paragraph and, below it, one list of its parts.",
    ),
    ("ko.md", "- 비용을 공개할 것\n", "", 12, "This text has 1 demands; in en.md it has 2."),
    ("ko.md", "  - 일요일에도\n", "", 12, "Demand 1 has 1 parts; in en.md it has 2."),
    (
        "ko.md",
        "- 비용을 공개할 것",
        "- 비용을 공개할 것\n  - 모두",
        15,
        "Demand 2 has 1 parts; in en.md it has 0.",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "sentence"), WRONG_TOML)
def test_a_problem_in_the_terms_has_its_line_and_sentence(
    old: str, new: str, line: int, sentence: str
) -> None:
    found = problems_of(with_change("petition.toml", old, new))
    assert ("petition.toml", line, sentence) in found


@pytest.mark.parametrize(("file", "old", "new", "line", "sentence"), WRONG_TEXT)
def test_a_problem_in_a_text_has_its_line_and_sentence(
    file: str, old: str, new: str, line: int, sentence: str
) -> None:
    assert (file, line, sentence) in problems_of(with_change(file, old, new))


def test_nesting_is_limited() -> None:
    deep = with_change("en.md", "> Nobody", f"{'>' * 21} Nobody")
    assert ("en.md", 12, "Lists and quotations are nested deeper than 20.") in problems_of(deep)
    assert folder.parse(with_change("en.md", "> Nobody", f"{'>' * 20} Nobody")).slug == "night-bus"


def test_all_problems_are_reported_at_once() -> None:
    files = with_change("petition.toml", '"night-bus"', '"api"')
    files["petition.toml"] = files["petition.toml"].replace('"guarded"', '"shut"')
    files["en.md"] = EN.replace("*nine*", "<i>nine</i>")
    del files["ko.md"]
    files["notes.txt"] = "x"
    assert [(file, line) for file, line, _ in problems_of(files)] == [
        ("petition.toml", 1),
        ("petition.toml", 2),
        ("petition.toml", 5),
        ("en.md", 10),
        ("notes.txt", 1),
    ]


@pytest.mark.parametrize(
    "slug", ["api", "healthz", "newsletter", "confirm", "en", "zh-hans", "fr", "pt-br", "static"]
)
def test_words_of_the_sites_own_paths_cannot_be_slugs(slug: str) -> None:
    (problem,) = problems_of(with_change("petition.toml", "night-bus", slug))
    assert "uses that word in its own addresses" in problem[2]


def test_an_open_petition_needs_no_hint_and_may_show_names() -> None:
    toml = TOML.replace('"guarded"', '"open"').replace('hint = "lantern"\n', 'recipients_get = "names"\n')
    definition = folder.parse(
        {**FILES, "petition.toml": toml + "[fields]\ndisplay = true\ncountry = false\n"}
    )
    assert (definition.hint, definition.recipients_get) == ("", "names")
    assert (definition.fields.display, definition.fields.country) == (True, False)


def test_a_text_in_an_unlisted_language_is_refused() -> None:
    files = {**FILES, "fr.md": EN}
    assert ("fr.md", 1, "`languages` in petition.toml does not name “fr”.") in problems_of(files)


def test_an_empty_folder_lacks_its_toml() -> None:
    assert problems_of({}) == [("petition.toml", 1, "petition.toml is missing.")]


def test_line_ends_and_byte_order_marks_change_nothing() -> None:
    windows = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in FILES.items()}
    assert folder.parse(windows) == folder.parse(FILES)


def test_decomposed_letters_are_composed() -> None:
    assert (
        folder.parse(with_change("en.md", "Keep the night", "Cafe\u0301 night")).texts["en"].title
        == "Café night bus"
    )


def test_lines_of_chinese_are_joined_without_a_space() -> None:
    files = with_change("en.md", "We ask the city to keep\n  the", "我们要求，\n  恢复")
    assert folder.parse(files).texts["en"].summary.startswith("我们要求，恢复")


def test_lacking_names_the_values_to_complete() -> None:
    definition = folder.parse(FILES)
    assert folder.lacking(definition) == ("There is no organiser key, so signatures could not be encrypted.",)
    assert folder.lacking(folder.parse(folder.set_organiser_keys(FILES, [f"age1{'q' * 58}"]))) == ()
    late = folder.lacking(definition, today=date(2032, 1, 1))
    assert any(sentence.startswith("`retention` is too near") for sentence in late)
    assert any(sentence.startswith("`closes` has passed") for sentence in late)


def test_setting_keys_keeps_the_format_of_the_file() -> None:
    key = f"age1pq1{'q' * 100}"
    windows = {**FILES, "petition.toml": "\ufeff# Ours\r\n" + TOML.replace("\n", "\r\n")}
    for files in (FILES, windows, folder.set_organiser_keys(FILES, [])):
        keyed = folder.set_organiser_keys(files, [key])
        assert folder.parse(keyed).organiser_keys == (key,)
        other_lines = [
            line for line in files["petition.toml"].splitlines() if not line.startswith("organiser_keys")
        ]
        assert [
            line for line in keyed["petition.toml"].splitlines() if not line.startswith("organiser_keys")
        ] == other_lines
    with pytest.raises(FolderError):
        folder.set_organiser_keys({}, [key])


# Files on disk


def test_reading_returns_the_written_files(tmp_path: Path) -> None:
    files = {**FILES, "ko.md": "\ufeff" + KO.replace("\n", "\r\n")}
    folder.write(files, tmp_path / "night-bus")
    assert folder.read(tmp_path / "night-bus") == files
    folder.write(files, tmp_path / "night-bus")
    assert sorted(path.name for path in (tmp_path / "night-bus").iterdir()) == sorted(files)


def problems_of_reading(path: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(FolderError) as caught:
        folder.read(path)
    return [(Path(problem.file).name, problem.line, problem.sentence) for problem in caught.value.problems]


def test_eve_reads_nothing_outside_the_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    inside = tmp_path / "petition"
    folder.write(FILES, inside)
    (inside / "fr.md").symlink_to(secret)
    os.mkfifo(inside / "de.md")
    (inside / "es.md").mkdir()
    (inside / "en.md.orig").write_text("x")
    (inside / ".DS_Store").write_text("x")
    assert problems_of_reading(inside) == [
        ("de.md", 1, "This is not a regular file."),
        (
            "en.md.orig",
            1,
            "A petition folder holds petition.toml, one LANG.md for each language and perhaps picture.webp.",
        ),
        ("es.md", 1, "This is not a regular file."),
        ("fr.md", 1, "This is a symbolic link. Put the file itself here."),
    ]
    link = tmp_path / "link"
    link.symlink_to(inside)
    assert problems_of_reading(link) == [
        ("link", 1, "This is not a folder, or it is a symbolic link to one. Give the folder itself.")
    ]


def test_files_that_are_too_large_or_not_text_are_refused(tmp_path: Path) -> None:
    folder.write(FILES, tmp_path)
    (tmp_path / "en.md").write_bytes(b"x" * 200_001)
    (tmp_path / "ko.md").write_bytes(b"fine\n\xff\xfe")
    assert problems_of_reading(tmp_path) == [
        ("en.md", 1, "The file is larger than 200 kB."),
        ("ko.md", 2, "This is not UTF-8 text. Save the file as UTF-8."),
    ]
    assert problems_of_reading(tmp_path / "nowhere") == [("nowhere", 1, "There is no such folder.")]
    assert ("en.md", 1, "The file is larger than 200 kB.") in problems_of({**FILES, "en.md": "x" * 200_001})


def test_writing_refuses_names_outside_and_other_petitions_folders(tmp_path: Path) -> None:
    with pytest.raises(FolderError):
        folder.write({"../en.md": EN}, tmp_path / "petition")
    assert not (tmp_path / "petition").exists()
    (tmp_path / "fr.md").write_text("another petition's")
    with pytest.raises(FolderError, match="Remove it, or use another folder"):
        folder.write(FILES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["fr.md"]


def test_writing_replaces_a_link_and_leaves_its_target(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    inside = tmp_path / "petition"
    inside.mkdir()
    (inside / "en.md").symlink_to(secret)
    folder.write(FILES, inside)
    assert secret.read_text() == "secret"
    assert folder.read(inside) == FILES


# Properties

_PIECES = st.sampled_from(
    ["---\n", "## A\n", "- x\n", "  - y\n", "1. z\n", "> ", "title: t\n", "summary: s\n", "[a](b)\n", "<b>",
     "\n", "```\n", "[x]: y\n", "    ", "===\n", "***\n", "&amp;", "\\", "![", "\t", "\r", "\u2028", "\ud800", "\0"]
)  # fmt: skip
_TOML_PIECES = st.sampled_from(
    ['slug = "a-b-c-d"\n', "languages = [", '"en"', "]\n", "[controller]\n", "[[recipients]]\n", "name.en = ",
     "'''", '"""', "1979-05-27\n", "[fields]\n", "a.b.c = 1\n", "{", "}", ",", "=", "#", "\\",
     "inf\n", "9" * 5000, "\n", "[" * 2000]
)  # fmt: skip
_ANY = st.text(max_size=60) | st.lists(_PIECES | st.text(max_size=5), max_size=30).map("".join)
_ANY_TOML = st.text(max_size=60) | st.lists(_TOML_PIECES | st.text(max_size=5), max_size=20).map("".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(toml=_ANY_TOML, en=_ANY, ko=_ANY)
def test_arbitrary_files_raise_only_folder_errors(toml: str, en: str, ko: str) -> None:
    for source in (toml, TOML + toml):
        try:
            folder.parse({"petition.toml": source, "en.md": en, "ko.md": ko, "x": "y"})
        except FolderError as error:
            assert all(problem.line >= 1 and problem.sentence for problem in error.problems)


@settings(max_examples=200, deadline=None)
@given(text=_ANY)
def test_arbitrary_text_in_a_valid_file_raises_only_folder_errors(text: str) -> None:
    try:
        definition = folder.parse({**FILES, "en.md": EN.replace("The last bus leaves at *nine*.", text)})
    except FolderError as error:
        assert all(
            problem.line <= EN.count("\n") + text.count("\n") + text.count("\r") + 1
            for problem in error.problems
        )
    else:
        assert len(definition.texts["en"].demands) == 2


@settings(max_examples=200, deadline=None)
@given(text=_ANY)
def test_arbitrary_text_after_the_demands_is_closing_text_or_a_folder_error(text: str) -> None:
    files = {**FILES, "en.md": f"{EN}\n{text}"}
    try:
        definition = folder.parse(files)
    except FolderError as error:
        assert all(problem.line > 0 and problem.sentence for problem in error.problems)
        return
    read = definition.texts["en"]
    # It may also continue the last demand, but takes nothing away.
    assert read.sections == folder.parse(FILES).texts["en"].sections and len(read.demands) == 2
    shown = [to_html(section.body) for section in read.closing]
    assert all(shown) and "<script" not in "".join(shown)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_survives_writing_and_reading(tmp_path: Path, text: str) -> None:
    files = {"petition.toml": text, "en.md": text + "\r\n"}
    folder.write(files, tmp_path)
    assert folder.read(tmp_path) == files


@pytest.mark.parametrize(
    "attack", [">" * 199_000, "- " * 99_000, "[" * 199_000, "*" * 199_000, "`" * 199_000, "![" * 99_000]
)
def test_hostile_markdown_is_refused_quickly(attack: str) -> None:
    with pytest.raises(FolderError):
        folder.parse({**FILES, "en.md": EN + "\n" + attack[: 199_000 - len(EN)]})


def test_the_line_of_each_key_is_found() -> None:
    from sabal.petitions.tomllines import key_lines

    source = (
        'a = """\nb = 1\n"""\n# c = 1\n[t]\n"quoted key" = [\n  1, # ]\n  2,\n]\nd.e = 1\n'
        "[[l]]\n[[l]]\nx = 1\n[l.m]\ny = 1\n"
    )
    tomllib.loads(source)
    assert key_lines(source) == {
        ("a",): 1,
        ("t",): 5,
        ("t", "quoted key"): 6,
        ("t", "d"): 10,
        ("t", "d", "e"): 10,
        ("l",): 11,
        ("l", 0): 11,
        ("l", 1): 12,
        ("l", 1, "x"): 13,
        ("l", 1, "m"): 14,
        ("l", 1, "m", "y"): 15,
    }
