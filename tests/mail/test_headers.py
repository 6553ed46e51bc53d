"""Headers that every reader decodes to the same text: RFC 2047, checked with parsers that are not ours."""

import email.header
import shutil
import subprocess
from email import message_from_bytes, policy
from email.utils import getaddresses

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from sabal.mail.headers import mailbox, unstructured

PERL = r"""
use Encode; binmode STDIN; binmode STDOUT, ":utf8"; local $/; my $all = <STDIN>;
print join("\0", map { decode("MIME-Header", $_) } split(/\0/, $all, -1));
"""
TITLES = (
    "Please confirm your signature: Yêu cầu Chính phủ dừng việc cưỡng bức hồi hương người tị nạn từ Triều Tiên",
    "서명을 확인해 주십시오: 탈북민의 강제 송환을 중단하고 국제법을 지킬 것을 촉구하는 공개 청원",
    "请确认您的签名：立即停止强制遣返脱北者并遵守国际法的公开请愿书，致各有关当局",
    "Bitte bestätigen: Für einen Nachtbus, der auch zwischen Ober- und Unterdorf fährt, täglich und für alle",
    "Potwierdź podpis: żądamy, aby posiedzenia rady były jawnościowe i transmitowane w całości dla wszystkich",
    "يرجى تأكيد توقيعك: نطالب الحكومة بوقف الإعادة القسرية للاجئين واحترام القانون الدولي فورًا",
    "कृपया अपने हस्ताक्षर की पुष्टि करें: हम सरकार से जबरन वापसी रोकने की माँग करते हैं",
    "確認してください：夜行バスを復活させる請願 — 市長と市議会の皆様へ、住民一同より心を込めて",
    "🚌🌙 Nachtbus jetzt! 👩‍👩‍👧‍👦 für Familien 🏴󠁧󠁢󠁳󠁣󠁴󠁿 und alle, die spät nach Hause fahren müssen",
    "mixed 한국어 και Ελληνικά и русский と日本語 with עברית and العربية in one long title of many scripts",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3,
    "a" * 300,
    "plain words of ASCII that are long enough to need a second line, but no encoding at all, as it seems",
    "=?utf-8?q?not_an_encoded_word?= and =? alone",
    "  two  spaces   everywhere, and at both ends  ",
    "é " * 60,
    "tab\tinside and \u00a0no-break and \u3000ideographic spaces at length beyond one line of the header",
    "a_b=c?d é_ü=ö?",
    "",
    " ",
)
# No line ends, because those are refused; no halves of surrogate pairs, which are no text.
TEXTS = some.text(some.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300) | some.text(
    some.sampled_from("aé 한=?_🚌"), max_size=200
)


def lines_of(header: str) -> list[str]:
    """Return the lines of a header, which must be as RFC 2047 and RFC 5322 say."""
    assert header.isascii()
    lines = header.split("\r\n")
    assert all(line.startswith(" ") and line.strip() for line in lines[1:]), lines
    for line in lines:
        assert "\r" not in line and "\n" not in line and len(line) <= 998
        if "=?utf-8?" in line:
            assert len(line) <= 76
    for word in " ".join(lines).split(" "):
        if word.startswith("=?utf-8?"):
            assert len(word) <= 75 and word.endswith("?=") and word.count("?") == 4
    return lines


def unfolded(header: str) -> str:
    return "".join(lines_of(header)).partition(":")[2].removeprefix(" ")


def modern(header: str) -> str:
    """Return the value as Python's parser of today reads it."""
    message = message_from_bytes(header.encode() + b"\r\n\r\n", policy=policy.default)
    return str(message[header.partition(":")[0]])


def legacy(header: str) -> str:
    """Return the value as Python's older decoder reads it, which has no code in common with the other."""
    return str(email.header.make_header(email.header.decode_header(unfolded(header))))


def perl(headers: list[str]) -> list[str]:
    """Return the values as Perl's Encode reads them."""
    program = shutil.which("perl")
    if program is None or subprocess.run([program, "-MEncode::MIME::Header", "-e1"], check=False).returncode:
        pytest.skip("NO perl with Encode: its decoder is not asked")
    given = "\0".join(map(unfolded, headers)).encode()
    done = subprocess.run([program, "-e", PERL], input=given, capture_output=True, check=True)
    return done.stdout.decode().split("\0")


@pytest.mark.parametrize("title", TITLES)
def test_a_subject_is_read_as_it_was_written(title: str) -> None:
    header = unstructured("Subject", title)
    assert lines_of(header)[0].startswith("Subject: ")
    assert modern(header) == title and legacy(header) == title


def test_another_language_reads_the_same_subjects() -> None:
    headers = [unstructured("Subject", title) for title in TITLES]
    assert perl(headers) == list(TITLES)


@settings(deadline=None)
@given(TEXTS)
@example("dừng việc cưỡng bức")
@example("a" * 70 + " é")
def test_any_subject_is_read_as_it_was_written(title: str) -> None:
    header = unstructured("Subject", title)
    assert modern(header) == title and legacy(header) == title


def test_a_plain_subject_stays_plain() -> None:
    assert unstructured("Subject", "Please confirm: a bus") == "Subject: Please confirm: a bus"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("", "From: petition@example.org"),
        ("Petitions", "From: Petitions <petition@example.org>"),
        ("Smith, Jones & Co.", 'From: "Smith, Jones & Co." <petition@example.org>'),
        ('The "Blue" River\\Bank', 'From: "The \\"Blue\\" River\\\\Bank" <petition@example.org>'),
    ],
)
def test_a_plain_sender_is_written_plainly(name: str, written: str) -> None:
    assert mailbox("From", name, "petition@example.org") == written


NAMES = (
    *(title for title in TITLES if title.strip() == title and title),
    "Bürgerinitiative (für den) Nachtbus, e. V.",
    "푸른 강의 벗",
    "Association <des> amis; de: la @rivière",
    "=?x?=",
    "Smith, Jones & Co. " + "and sons " * 12,
)


@pytest.mark.parametrize("name", NAMES)
def test_a_senders_name_is_read_as_it_was_written(name: str) -> None:
    name = name.strip()
    header = mailbox("From", name, "petition@example.org")
    lines_of(header)
    parsed = message_from_bytes(header.encode() + b"\r\n\r\n", policy=policy.default)["From"].addresses
    assert [one.addr_spec for one in parsed] == ["petition@example.org"]
    if header.count("=?utf-8?") < 2:  # Python's parser of today adds a space between encoded words of a name
        assert parsed[0].display_name == name
    ((read, address),) = getaddresses([unfolded(header)])
    assert str(email.header.make_header(email.header.decode_header(read))) == name
    assert address == "petition@example.org"
    assert '"=?' not in header, "no encoded word within quotes (section 5, rule 3)"


def test_another_language_reads_the_same_senders() -> None:
    headers = [mailbox("From", name.strip(), "petition@example.org") for name in NAMES]
    encoded = [(h, n.strip()) for h, n in zip(headers, NAMES, strict=True) if "=?utf-8?" in h]
    assert perl([h for h, _ in encoded]) == [f"{n} <petition@example.org>" for _, n in encoded]


@settings(deadline=None)
@given(TEXTS)
def test_any_senders_name_is_read_as_it_was_written(name: str) -> None:
    name = " ".join(name.split())
    header = mailbox("From", name, "petition@example.org")
    lines_of(header)
    ((read, address),) = getaddresses([unfolded(header)])
    assert str(email.header.make_header(email.header.decode_header(read))) == name
    assert address == "petition@example.org"


@pytest.mark.parametrize("line", ["\n", "\r", "\r\n", "\u2028", "\x0b", "\x85"])
def test_a_header_cannot_contain_another_header(line: str) -> None:
    for end in ("Bcc: eve@example.org", ""):
        with pytest.raises(ValueError, match="one line"):
            unstructured("Subject", f"Please confirm{line}{end}")
        with pytest.raises(ValueError, match="one line"):
            mailbox("From", f"Petitions{line}{end}", "petition@example.org")
