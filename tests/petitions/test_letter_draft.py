"""Make petition drafts of plain letters, in the styles of many writers."""

import pytest

from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE, Definition, Demand, Section
from sabal.petitions.letters.letter import LetterResult, folder_from, read_text
from sabal.petitions.letters.reading import UNPUBLISHED, Role

from .corpus import corpus

LETTERS = {letter.name: letter.text for letter in corpus()}

# Text copied from a web page: each bullet is on its own line, and an empty bullet follows an inner list.
PASTED = """\
PLEASE KEEP THE FERRY
Submit to:
-
The Harbour Office
-
Members of the Island Council
Subject: We ask the Harbour Office to keep the ferry. We ask the council to pay for it.
Background: The ferry has run for a hundred years, and the island has no other way to the hospital.
The notice says that the ferry will stop in autumn, and not what will come in its place.
We urge for:
-
Keeping the ferry
-
Run it all year
-
Mend the pier
-
-
Honest figures
-
Publish the cost
-
-
A seat at the table
-
Hear the islanders
-
Write down what they said
-
Answer them
-
If you would like to sign the petition, please enter your information below.
To subscribe to our newsletter, click here!"""


def imported(text: str) -> tuple[LetterResult, Definition]:
    result = folder_from(read_text(text))
    return result, folder.parse(result.files)


def from_file(name: str) -> tuple[LetterResult, Definition]:
    return imported(LETTERS[name])


def shape(demands: tuple[Demand, ...]) -> list[int]:
    return [len(demand.parts) for demand in demands]


def names(definition: Definition) -> list[str]:
    return [recipient.name[definition.authoritative] for recipient in definition.recipients]


def test_a_letter_pasted_from_the_web() -> None:
    result, definition = imported(PASTED)
    text = definition.texts["en"]
    assert text.title == "PLEASE KEEP THE FERRY"
    assert definition.slug == "please-keep-the-ferry"
    assert names(definition) == ["The Harbour Office", "Members of the Island Council"]
    assert text.subject.startswith("We ask the Harbour Office")
    assert text.summary == "We ask the Harbour Office to keep the ferry."
    assert [section.heading for section in text.sections] == ["Background"]
    assert text.sections[0].body.count("\n\n") == 1
    assert text.sections[0].body.startswith("The ferry has run")
    assert text.demands_heading == "We urge for"
    assert [demand.text for demand in text.demands] == [
        "Keeping the ferry",
        "Honest figures",
        "A seat at the table",
    ]
    assert shape(text.demands) == [2, 1, 3]
    assert text.demands[2].parts[2] == Demand("demand-3-3", "Answer them")
    assert text.sign_invitation.startswith("If you would like to sign")
    assert text.newsletter_invitation.startswith("To subscribe")
    assert definition.newsletter
    assert result.notes == (
        "The summary is the first sentence of the subject. Say in one sentence what is asked.",
    )


def test_bullets_alone_without_empty_ones_are_one_flat_list() -> None:
    _, definition = imported("Ferry\nTo: The Office\nWe demand:\n-\nOne thing\n-\nAnother\n-\nA third")
    assert shape(definition.texts["en"].demands) == [0, 0, 0]


def test_a_letter_with_numbers_letters_and_lines_broken_by_hand() -> None:
    result, definition = from_file("en-numbered")
    text = definition.texts["en"]
    assert text.title == "Keep the night bus running"
    assert names(definition) == ["The City Council", "The Transport Authority"]
    assert definition.recipients[1].address == "desk@transport.example"
    assert text.sections[0].body.count("\n\n") == 1
    assert "no way home that they can afford." in text.sections[0].body
    assert text.demands_heading == "We therefore call on the City Council to"
    assert shape(text.demands) == [2, 1, 0]
    assert text.demands[0].parts[0].text.endswith("in the morning, also on public holidays.")
    assert text.closing[0].body == "We shall gladly explain this in person."
    noted = "\n".join(line.text for line in result.reading.of(*UNPUBLISHED))
    for line in (
        "PETITION",
        "12 March 2026",
        "Dear Members of the Council,",
        "the people waiting at the station",
    ):
        assert line in noted


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_letter_with_dashes_stars_and_any_line_ends(before: str, end: str) -> None:
    _, definition = imported(before + LETTERS["en-dashes"].replace("\n", end))
    text = definition.texts["en"]
    assert names(definition) == ["The school board", "The parents' council"]
    assert text.subject == "Two hours of library, every day"
    assert text.sections[0].heading == "Why it matters"
    assert (text.demands_heading, shape(text.demands)) == ("Our demands", [2, 1, 0])
    assert text.sign_invitation == "Add your name below."
    assert text.newsletter_invitation == "Join our mailing list to hear how it goes."


def test_a_letter_with_one_paragraph_per_demand_and_no_subject() -> None:
    _, definition = from_file("en-sentences")
    text = definition.texts["en"]
    assert text.title == "Save the plane trees on Station Road"
    assert text.subject == ""
    assert TO_COMPLETE in text.summary
    assert [demand.text.split(" that")[0] for demand in text.demands] == [
        "We demand",
        "We call on the city to publish the expert's report.",
        "We urge the council to plant two trees for each one",
    ]
    assert text.demands[0].text.endswith("an independent expert has examined it.")
    assert text.closing[0].body.startswith("Nothing in this letter")
    assert text.sign_invitation == "If you agree, please sign this letter here."


def test_a_letter_with_roman_numbers_and_headings_in_capitals() -> None:
    _, definition = from_file("en-romans")
    text = definition.texts["en"]
    assert names(definition) == ["The Ministry of Health", "The water company"]
    assert [section.heading for section in text.sections] == ["BACKGROUND"]
    assert (text.demands_heading, shape(text.demands)) == ("WHAT WE ASK FOR", [2, 3])


def test_a_list_without_an_introducing_sentence() -> None:
    _, definition = from_file("en-bare-list")
    text = definition.texts["en"]
    assert (text.demands_heading, shape(text.demands)) == ("What would help", [0, 0, 0])


def test_the_ninth_letter_is_not_roman_one() -> None:
    letters = "\n".join(f"{letter}) demand {letter}" for letter in "abcdefghij")
    _, definition = imported(f"Title\nWe demand:\n{letters}")
    assert shape(definition.texts["en"].demands) == [0] * 10


def test_an_initial_is_not_a_list_mark() -> None:
    _, definition = imported("Title\nTo:\nJ. Smith\nThe Office\nWe demand:\n- One\n- Two")
    assert names(definition) == ["J. Smith", "The Office"]


def test_groups_with_headings_become_demands_with_parts() -> None:
    _, definition = imported(
        "Title\n\nDemands:\n\nThe city must:\n- mend the road\n- light it\n\nThe state must:\n- pay for it\n"
    )
    demands = definition.texts["en"].demands
    assert [demand.text for demand in demands] == ["The city must:", "The state must:"]
    assert shape(demands) == [2, 1]


def test_explanations_between_items_belong_to_the_item_before() -> None:
    for one, two in (("1.", "2."), ("-", "-")):
        _, definition = imported(
            f"Title\n\nWe want:\n\n{one} Mend the road\n\nIt is full of holes.\n\n{two} Light it\n\n   By winter.\n"
        )
        demands = definition.texts["en"].demands
        assert [demand.text for demand in demands] == [
            "Mend the road It is full of holes.",
            "Light it By winter.",
        ]
        assert shape(demands) == [0, 0]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("Dear Members of the Council,", "Members of the Council"),
        ("To the members of the council:", "the members of the council"),
        ("존경하는 시장님께", "시장님"),
        ("외교부 장관 귀하", "외교부 장관"),
        ("尊敬的市长：", "市长"),
        ("致市人民政府：", "市人民政府"),
    ],
)
def test_a_form_of_address_names_the_recipient(address: str, name: str) -> None:
    _, definition = imported(f"A title\n{address}\nWe ask:\n- a thing\n- another")
    assert names(definition) == [name]


def test_a_korean_letter() -> None:
    result, definition = from_file("ko-sections")
    text = definition.texts["ko"]
    assert definition.slug == "petition-1"
    assert text.title == "마을 도서관을 다시 열어 주십시오"
    assert names(definition) == ["시장", "시의회 의장"]
    assert text.subject == "마을 도서관 재개관 요청"
    assert [section.heading for section in text.sections] == ["배경"]
    assert text.sections[0].body.count("\n\n") == 1
    assert (text.demands_heading, shape(text.demands)) == ("요구사항", [2, 0, 1])
    assert text.sign_invitation == "함께하시려면 아래에 서명해 주십시오."
    assert text.newsletter_invitation == "뉴스레터를 구독하시면 소식을 보내 드립니다."
    assert result.reading.of(Role.SIGNATURE)[-1].text == "마을 주민 일동"


def test_a_korean_letter_with_ordinals() -> None:
    _, definition = from_file("ko-ordinals")
    text = definition.texts["ko"]
    assert names(definition) == ["구청장", "구의회"]
    assert text.sections[0].body == "공원의 나무 열한 그루가 베어질 예정입니다."
    assert text.demands_heading == "우리는 구청에 다음과 같이 촉구한다."
    assert [demand.text[:2] for demand in text.demands] == ["첫째", "둘째", "셋째"]


def test_a_chinese_letter() -> None:
    _, definition = from_file("zh-hans-nested")
    text = definition.texts["zh-hans"]
    assert names(definition) == ["市人民政府", "区规划局"]
    assert text.subject == "请停止拆除老街菜市场"
    assert [section.heading for section in text.sections] == ["背景"]
    assert (text.demands_heading, shape(text.demands)) == ("我们呼吁有关部门", [2, 1, 0])
    assert text.demands[0].parts[1].text == "公布拆除的理由"
    assert text.sign_invitation == "如果您同意，请在下方签名。"
    assert text.newsletter_invitation == "欢迎订阅我们的电子报。"


def test_a_letter_in_traditional_characters() -> None:
    _, definition = from_file("zh-hant-numbers")
    text = definition.texts["zh-hant"]
    assert (text.demands_heading, shape(text.demands)) == ("訴求", [0, 0])


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Keep the café's door open", "keep-the-cafes-door-open"),
        ("API", "petition-7"),
        ("Go", "petition-7"),
        ("도서관을 열어 주십시오 NOW", "petition-7"),
        ("请保留菜市场", "petition-7"),
        ("A very long title that goes on and on until no address could hold all of it", None),
    ],
)
def test_the_slug_comes_from_latin_letters(title: str, slug: str | None) -> None:
    result = folder_from(read_text(f"{title}\nTo: The Council\nWe ask:\n- a\n- b"), number=7)
    made = folder.parse(result.files).slug
    assert made == slug or (
        slug is None and made == "a-very-long-title-that-goes-on-and-on-until-no-address-could"
    )


def test_a_draft_lacks_the_values_that_a_letter_does_not_have() -> None:
    _, definition = imported("Only a title")
    lacking = " ".join(folder.lacking(definition))
    for word in (
        "organiser key",
        "`organiser`",
        "name",
        "address",
        "privacy_contact",
        "retention",
        "recipients",
        "summary",
        "demands",
    ):
        assert word in lacking


def test_what_follows_the_demands_is_the_closing_text() -> None:
    letter = "KEEP THE FERRY\nTo: The Harbour\nWe demand:\n1. Keep the ferry\n2. Mend the pier\n\n{}\n"
    result, definition = imported(letter.format("The island waits, and so do *we* <b>."))
    text = definition.texts["en"]
    assert text.closing == (Section("", "The island waits, and so do \\*we\\* \\<b>."),)
    assert [demand.text for demand in text.demands] == ["Keep the ferry", "Mend the pier"]
    assert not any("before" in note for note in result.notes)


def test_the_profile_is_asked_for_unless_it_was_given() -> None:
    result, definition = imported(PASTED)
    assert definition.profile == "guarded" and not definition.profile_chosen
    assert "# Could anyone be harmed if it became known that they signed?" in result.files["petition.toml"]
    for profile in ("guarded", "open"):
        chosen = folder.parse(folder_from(read_text(PASTED), profile=profile).files)
        assert (chosen.profile, chosen.profile_chosen) == (profile, True)


def test_markup_characters_stay_unchanged() -> None:
    _, definition = imported(
        "Title with *stars*\nTo: The Council\n# 1 <b>x</b> & &amp; [a](http://b) `c`\n"
        "1. We demand _this_!\n2. <script>"
    )
    text = definition.texts["en"]
    assert text.title == "Title with *stars*"
    assert text.demands[0].text == r"We demand \_this\_!"
