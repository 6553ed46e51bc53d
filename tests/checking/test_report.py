"""A report is one sentence with the numbers, and JSON with exactly the documented keys."""

from dataclasses import replace

import pytest

from checking import made
from sabal.checking.check import check
from sabal.checking.kept import Kept
from sabal.checking.report import Proven, Report, Sampled, Witness, day, plain
from tlog.entry import Reason

FIRST = Witness("first", made.WITNESSED, str(made.FIRST.verifier))
BASE = Report(
    (),
    origin=made.ORIGIN,
    size=1_400,
    root=bytes(32),
    log_key=str(made.CAROL.verifier),
    signed=1_301,
    revoked={Reason.WITHDRAWN: 60, Reason.DUPLICATE: 4, Reason.FAKE: 2, Reason.OTHER: 1},
    closed=False,
    manifests=((0, bytes(32)), (9, bytes.fromhex("05b3abf2" + "00" * 26 + "657f"))),
    shown=300,
    matched=300,
    witnesses=(FIRST,),
    quorum=True,
    title="Save the trees",
    organiser="Tree Friends",
    checked=made.WITNESSED + 2 * 86_400,
)
NONE = dict.fromkeys(Reason, 0)


def witnesses(**times: int) -> tuple[Witness, ...]:
    return tuple(Witness(name, time, f"{name}+0+0") for name, time in times.items())


def test_the_sentence_has_all_numbers() -> None:
    assert BASE.sentence == (
        "OK: the petition “Save the trees” by Tree Friends, checked on 26 November 2026:"
        " 1,234 signatures count (1,301 confirmed, 60 withdrawn, 7 invalidated); 300 shown and matched;"
        " the text is manifest 05b3abf2…657f; witnessed by first on 24 November 2026."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"signed": 1, "revoked": NONE}, " on 26 November 2026: 1 signature counts (1 confirmed);"),
        ({"signed": 0, "revoked": NONE}, ": 0 signatures count (0 confirmed);"),
        ({"revoked": NONE | {Reason.FAKE: 1}}, "(1,301 confirmed, 1 invalidated)"),
        ({"shown": 0, "matched": 0}, "invalidated); the text"),
        ({"shown": 0, "matched": 0, "sample": Sampled("x", 3, 3, 3)}, "; 0 shown and matched; "),
        ({"manifests": ()}, "matched; witnessed"),
        ({"witnesses": (), "quorum": None}, "; no witness is required."),
        ({"witnesses": witnesses(a=0, b=9, c=5)}, "by a, b and c on 1 January 1970."),
        ({"witnesses": witnesses(a=0, b=86_400)}, "by a on 1 January 1970 and b on 2 January 1970."),
        ({"problems": ("The first.", "The second.")}, "NOT OK: the petition “Save the trees” by Tree Friends, checked"),
        ({"problems": ("The first.", "The second.")}, "checked on 26 November 2026: The first."),
        ({"organiser": None}, "OK: the petition “Save the trees”, checked on 26 November 2026: 1,234"),
        ({"title": None}, f"OK: the log {made.ORIGIN}, checked on 26 November 2026: 1,234"),
        ({"title": None, "origin": None, "problems": ("No.",)}, "NOT OK: a log, checked on 26 November 2026: No."),
    ],
)  # fmt: skip
def test_the_sentence_follows_the_findings(change: dict[str, object], words: str) -> None:
    assert words in replace(BASE, **change).sentence  # type: ignore[arg-type]


def test_the_lines_below_it_are_the_limits_and_the_keys() -> None:
    sentence, *_, shows, key, below = replace(
        BASE, closed=True, proofs=(Proven(7, Reason.WITHDRAWN),)
    ).lines()
    assert sentence == BASE.sentence
    assert "nothing was taken out or changed" in shows and "confirmed email addresses" in shows
    assert key.endswith(f": {made.CAROL.verifier}")
    assert below == f"The witnesses' keys, to compare in the same way: {made.FIRST.verifier}"
    assert replace(BASE, witnesses=(FIRST, *witnesses(b=1))).lines()[-1] == f"{below}, b+0+0"
    assert replace(BASE, witnesses=()).lines()[-1] == key
    assert (
        "Entry 7 is in the log; the signature was revoked, as withdrawn by its signer."
        in replace(BASE, proofs=(Proven(7, Reason.WITHDRAWN),)).lines()
    )
    assert not any("nothing was taken out" in line for line in replace(BASE, problems=("No.",)).lines())
    assert "No key" in replace(BASE, problems=("No.",), log_key=None, witnesses=()).lines()[-1]


def test_json_has_exactly_the_documented_keys() -> None:
    keys = (
        "ok sentence problems origin size root signed counted withdrawn invalidated closed manifests shown matched"
        " sample witnesses quorum checkpoints promises proofs log_key title organiser checked"
    )
    assert list(BASE.as_json()) == keys.split()
    log = made.log(9)
    kept = Kept([log.checkpoint(3)], [log.promise(2)])
    found = check(log.copy(), now=0, kept=kept).as_json()
    assert found["manifests"] == [{"index": 0, "sha256": log.manifest_at(0).hex()}]
    assert found["witnesses"] == [{"name": "first", "time": made.WITNESSED, "key": str(made.FIRST.verifier)}]
    assert found["checkpoints"] == [{"size": 3, "consistent": True}]
    assert found["promises"] == [{"include_by": made.WITNESSED, "state": "kept", "revoked": None}]
    assert found["sample"] is None and found["root"] == log.root.hex() and found["ok"] is True


def test_distant_days_and_control_characters_are_safe() -> None:
    assert day(0) == "1 January 1970" and day(2**63 - 1) == f"second {2**63 - 1}"
    assert plain("نمی‌خواهیم 👩‍🌾 Non !") == "نمی‌خواهیم 👩‍🌾 Non !"
    assert plain("a\x1b[2Jb\u202e\ud800\n이름") == "a\ufffd[2Jb\ufffd\ufffd\ufffd이름"
