"""Every line of a letter has exactly one role, also if the letter is cut, joined to another or shuffled."""

import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal.petitions import folder
from sabal.petitions.definition import FolderError
from sabal.petitions.letters.contacts import contact_in
from sabal.petitions.letters.letter import folder_from, read_text
from sabal.petitions.letters.read import read
from sabal.petitions.letters.reading import UNPUBLISHED, LetterReading, Role
from sabal.petitions.letters.words import LANGUAGES, name_in, words_of

from .corpus import CorpusLetter, corpus

CORPUS = corpus()
LINES = [line for letter in CORPUS for line in letter.text.split("\n")]


@pytest.mark.parametrize("letter", CORPUS, ids=lambda letter: letter.name)
def test_each_line_has_the_role_that_a_reader_gives_it(letter: CorpusLetter) -> None:
    reading = read(letter.text)
    assert (reading.language, reading.sure) == (letter.language, True)
    read_as = [(line.number, line.role.value, line.text) for line in reading.lines]
    expected = [
        (line.number, role, line.text) for line, role in zip(reading.lines, letter.roles, strict=True)
    ]
    assert read_as == expected


def test_the_corpus_has_letters_in_every_language_of_the_tables() -> None:
    assert {letter.language for letter in CORPUS} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("line", "language", "role"),
    [
        ("수신자: 군수", "ko", "recipient"),
        ("[수신] 군수", "ko", "recipient"),
        ("군수님께", "ko", "recipient"),
        ("존경하는 군수님,", "ko", "recipient"),
        ("군수 귀하", "ko", "recipient"),
        ("致市人民政府：", "zh-hans", "recipient"),
        ("尊敬的局长：", "zh-hans", "recipient"),
        ("町長 殿", "ja", "recipient"),
        ("宛先：町長", "ja", "recipient"),
        ("Monsieur le Préfet,", "fr", "recipient"),
        ("Destinataire : le préfet", "fr", "recipient"),
        ("Sehr geehrter Herr Landrat,", "de", "recipient"),
        ("An den Stadtrat", "de", "recipient"),
        ("Estimada alcaldesa:", "es", "recipient"),
        ("Уважаемый господин мэр!", "ru", "recipient"),
        ("السيد رئيس البلدية المحترم،", "ar", "recipient"),
        ("Kính gửi Ủy ban nhân dân phường", "vi", "recipient"),
        ("Dear Mayor,", "en", "recipient"),
        ("To the members of the council:", "en", "recipient"),
        ("Attn: The Mayor", "en", "recipient"),
        ("Dear Sir or Madam,", "en", "left-out"),
        ("To whom it may concern:", "en", "left-out"),
    ],
)
def test_recipients_are_found_in_each_form(line: str, language: str, role: str) -> None:
    letter = next(one for one in CORPUS if one.language == language).text.split("\n")
    body = [one for one in letter if one.strip()][-6:]
    reading = read("\n".join(["Title 1", "", line, "", *body]), language)
    assert reading.lines[2].role == role


ASKING = {
    "en": [
        "The residents therefore demand that the bus run again.",
        "For these reasons, we call on the council to act.",
    ],
    "ko": ["우리는 시에 버스를 다시 운행할 것을 촉구합니다.", "이에 조사를 요구한다."],
    "zh-hans": ["因此，我们要求立即恢复公交。", "恳请有关部门公开数据。"],
    "zh-hant": ["因此，我們要求立即恢復公車。", "懇請有關部門公開資料。"],
    "ja": ["私たちは、バスの運行再開を求めます。", "調査を行うよう強く要望します。"],
    "fr": ["C’est pourquoi nous demandons le retour du bus.", "Les riverains exigent une étude."],
    "de": ["Daher fordern wir die Rückkehr des Busses.", "Die Anwohner verlangen eine Prüfung."],
    "es": ["Por todo ello, solicitamos que vuelva el autobús.", "Los vecinos exigen un estudio."],
    "ru": ["Поэтому мы требуем вернуть автобус.", "Просим провести проверку."],
    "ar": ["لذلك نطالب بإعادة الحافلة.", "كما نناشد المجلس نشر الأرقام."],
    "vi": ["Vì vậy, chúng tôi yêu cầu khôi phục tuyến xe.", "Đề nghị thành phố công bố số liệu."],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_list_the_sentences_that_ask_are_the_demands(language: str) -> None:
    title = next(letter for letter in CORPUS if letter.language == language).text.split("\n")[0]
    reading = read("\n\n".join([title, *ASKING[language]]), language)
    assert [line.role for line in reading.lines if line.text][1:] == [Role.DEMAND, Role.DEMAND]


NOT_ASKING = [
    "We were told that our request was refused.",
    "Our demand for seats has grown every year.",
    "The council asked for our opinion in March.",
    "Nous avons appris que notre demande a été rejetée.",
]


@pytest.mark.parametrize("sentence", NOT_ASKING)
def test_a_sentence_about_a_demand_is_none(sentence: str) -> None:
    letter = f"Keep the bus\n\n{sentence}\n\nWe demand:\n- a bus\n- a lamp\n"
    assert read(letter, "fr" if sentence.startswith("Nous") else "en").lines[2].role == Role.BACKGROUND


@pytest.mark.parametrize("kind", ["OPEN PETITION", "Petition", "An open letter", "Open letter to the Mayor"])
def test_the_kind_of_letter_is_not_its_title(kind: str) -> None:
    reading = read(f"{kind}\n\nMend the pier\n\nWe ask:\n- Mend it\n- Soon\n")
    assert [line.role for line in reading.lines if line.text][:2] == [Role.LEFT_OUT, Role.TITLE]


def test_a_label_of_the_beginning_is_text_in_the_middle() -> None:
    reading = read(
        "Mend the pier\n\nIt is rotten, as everybody on the island can see.\n\nRe: the rail, too.\n\nWe ask:\n- a\n- b"
    )
    assert reading.lines[4].role == Role.BACKGROUND and reading.lines[4].content == "Re: the rail, too."


# Languages


@pytest.mark.parametrize(
    ("text", "language", "sure"),
    [
        (
            "Pedimos que o autocarro da noite volte a circular na cidade. Não há outro caminho para o hospital, e a"
            " câmara ainda não respondeu à nossa carta",
            "pt",
            True,
        ),
        ("Chiediamo che il bus notturno torni a circolare nella città e non sia più tagliato", "it", True),
        (
            "Ми просимо повернути нічний автобус і відремонтувати міст, бо він є єдиний. Це вже третій рік, як ми"
            " чекаємо, і про це знає наша рада",
            "uk",
            True,
        ),
        ("안녕하세요 UN", "ko", True),
        ("Hello", "en", False),
        ("", "en", False),
    ],
)
def test_a_language_that_is_not_sure_is_said_to_be_a_guess(text: str, language: str, sure: bool) -> None:
    reading = read(text)
    assert (reading.language, reading.sure) == (language, sure)
    assert any("The language is a guess" in note for note in reading.notes) != sure


def test_a_language_that_was_given_is_taken_and_a_doubt_is_said() -> None:
    reading = read(next(letter.text for letter in CORPUS if letter.language == "fr"), "de")
    assert reading.language == "de" and "Its words look like fr." in reading.notes[0]


def test_a_letter_in_a_language_without_a_table_is_read_by_its_structure() -> None:
    letter = (
        "Ridateci il bus notturno\n\nA: Sindaca; Consiglio comunale\n\nDa gennaio l’ultimo bus parte alle nove e chi"
        " lavora in ospedale torna a piedi. Non è giusto per la città.\n\nChiediamo:\n1. il bus\n2. una fermata\n"
    )
    reading = read(letter)
    assert reading.language == "it"
    assert [line.role.value for line in reading.lines if line.text] == [
        "title", "recipient", "background", "heading", "demand", "demand",
    ]  # fmt: skip


# Corrections


def test_a_person_can_correct_roles_and_the_rest_stays() -> None:
    letter = "Mend the pier\nTo: The Harbour\n\nWe ask:\n1. Mend it\n2. Soon\n\nSubject: thanks\nAnn"
    reading = read(letter)
    corrected = reading.with_roles({2: Role.BACKGROUND, 6: Role.PART, 9: Role.CLOSING})
    assert [line.content for line in corrected.of(Role.BACKGROUND)] == ["To: The Harbour"]
    assert [(line.content, line.level) for line in corrected.of(Role.DEMAND, Role.PART)] == [
        ("Mend it", 0),
        ("Soon", 1),
    ]
    assert corrected.with_roles({}) == corrected and reading.of(Role.RECIPIENT)
    assert corrected.with_roles({line.number: line.role for line in corrected.lines}) == corrected


# Properties

CONTACTS = [
    "Write to ann@pier.example.",
    "Tel. 01632 960118",
    "IBAN DE89 3704 0044 0532 0130 00",
    "연락처: 010-1234-5678",
]


def check(text: str) -> LetterReading:
    """Check what holds for every letter, and return its reading."""
    reading = read_text(text)
    count = len(re.split("\r\n?|[\n\x0b\x0c\x85\u2028\u2029]", text.removeprefix("\ufeff")))
    assert [line.number for line in reading.lines] == list(range(1, count + 1))
    assert all(line.role == Role.LAYOUT or line.text for line in reading.lines)
    result = folder_from(reading, draw=lambda words: words[0])
    assert result == folder_from(reading, draw=lambda words: words[0])
    folder.parse(result.files)
    published = "".join(text for name, text in result.files.items() if name.endswith(".md"))
    check_nothing_is_lost(result.reading, published, "\n".join([*result.files.values(), *result.notes]))
    return reading


def check_nothing_is_lost(reading: LetterReading, published: str, written: str) -> None:
    """Every word is in the folder, in a note, or in a line that the table shows as not published."""
    written = squeezed(written)
    for line in reading.lines:
        if line.role in UNPUBLISHED or line.role == Role.LAYOUT:
            continue
        name = name_in(line.content, words_of(line.language)) if line.role == Role.RECIPIENT else ""
        lost = [
            word for word in re.findall(r"[^\W_]{3,}", name or line.content) if squeezed(word) not in written
        ]
        assert not lost, (line, lost)
        if contact_in(line.text, words_of(line.language)):
            assert line.role in (Role.RECIPIENT, Role.ORGANISER), line
            assert "@" not in line.content or re.findall(r"\S+@\S+", line.content)[0] not in published, line


def squeezed(text: str) -> str:
    return re.sub(r"[\s\\]+", "", text)


def parts(letters: Sequence[str]) -> st.SearchStrategy[str]:
    """Return letters that were cut, or joined to another, or whose lines were shuffled."""
    lines = st.sampled_from(letters).map(lambda text: text.split("\n"))
    cut = st.tuples(lines, st.integers(0, 30), st.integers(1, 40)).map(
        lambda drawn: drawn[0][drawn[1] :][: drawn[2]]
    )
    joined = st.tuples(lines, lines).map(lambda drawn: [*drawn[0], "", *drawn[1]])
    shuffled = st.lists(st.sampled_from([*LINES, *CONTACTS, "", "-", "1.", "---"]), min_size=1, max_size=40)
    return st.one_of(cut, joined, shuffled, lines.flatmap(st.permutations)).map("\n".join)


REFUSALS = ("The letter is empty.", "The brackets ⟦ and ⟧ cannot", "This line has more than 10 marks")


def check_or_refuse(text: str) -> None:
    try:
        check(text)
    except FolderError as error:
        assert [problem.sentence.startswith(REFUSALS) for problem in error.problems] == [True], error


@pytest.mark.parametrize("letter", CORPUS, ids=lambda letter: letter.name)
def test_nothing_of_a_letter_is_lost(letter: CorpusLetter) -> None:
    check(letter.text)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(parts([letter.text for letter in CORPUS]))
def test_nothing_is_lost_of_letters_cut_joined_and_shuffled(text: str) -> None:
    check_or_refuse(text)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"-*•1①(一가甲✓[]:：<&\\'\"#\u202e\u0301⟦\ud800",
                "\n",
                "\n\n",
                "1.",
                "To:",
                "---",
                "We demand ",
                "수신: ",
                "a) ",
            ]
        )
        | st.text(max_size=10),
        max_size=30,
    ).map("".join)
)
def test_arbitrary_text_is_a_letter_or_refused(text: str) -> None:
    if "\0" not in text:
        check_or_refuse(text)


@settings(max_examples=60, deadline=None)
@given(
    parts([letter.text for letter in CORPUS]),
    st.dictionaries(st.integers(1, 10), st.sampled_from(Role), max_size=6),
)
def test_any_correction_gives_a_valid_folder(text: str, roles: dict[int, Role]) -> None:
    reading = read(text)
    corrected = reading.with_roles(roles)
    assert [line.text for line in corrected.lines] == [line.text for line in reading.lines]
    folder.parse(folder_from(corrected, draw=lambda words: words[0]).files)


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        "a\n",
        "- a\n",
        "서명 ",
        "We demand a ",
        "-\n",
        "To: a; ",
        "a@",
        "[",
        "\n",
        "1. a\n",
        "0 ",
        "…",
        "We , ",
        "1.1.",
        "我们",
        "(a) ",
    ],
)
def test_hostile_letters_are_read_quickly(piece: str) -> None:
    few = "\n".join(("Title\n" + piece * 60_000).split("\n")[:2000])
    text = few.encode()[:59_990].decode("utf-8", "ignore")
    started = time.process_time()
    folder.parse(folder_from(read_text(text)).files)
    assert time.process_time() - started < 5
    with pytest.raises(FolderError, match="more than 2000 lines"):
        read_text("Title\n" + "a\n" * 2001)
