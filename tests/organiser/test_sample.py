"""The draw follows the format, prefers no signer, and refuses seeds that the organiser could choose."""

import hashlib
from collections import Counter

import pytest

from organiser import made
from sabal.organiser.matched import CheckedLog, checked_log
from sabal.organiser.sample import LEAST_SEED, draw
from sabal.refusal import Refusal


@pytest.fixture(scope="module")
def log() -> CheckedLog:
    petition = made.petition([made.person(f"Signer {n}") for n in range(1, 41)])
    for index in (3, 7, 40):
        petition.revoke(index)
    return checked_log(petition.copy(), [], made.NOW)


def test_the_choice_follows_the_format(log: CheckedLog) -> None:
    seed, root = "Zahlenlotto 4711", log.report.root or b""
    ranks = sorted(
        (hashlib.sha256(b"petition/1 sample\n" + root + seed.encode() + b"\n" + i.to_bytes(8)).digest(), i)
        for i in range(1, 41)
        if i not in (3, 7, 40)
    )
    assert draw(log, seed, 5).indexes == tuple(sorted(i for _, i in ranks[:5]))


def test_the_choice_is_that_of_the_test_vector(log: CheckedLog) -> None:
    """Compare with a fixed result. It changes only if the bytes of records or entries change."""
    assert (
        log.report.root
        and log.report.root.hex() == "431d60f2b250679a5b6f8fc351e0286052ddaecbd57a7bbbb01a68ae67a69c4a"
    )
    assert draw(log, "Zahlenlotto 4711", 5).indexes == (4, 10, 20, 27, 28)


def test_a_seed_may_be_composed_or_decomposed_unicode(log: CheckedLog) -> None:
    assert draw(log, "Ziehung \u00e4", 9) == draw(log, "Ziehung a\u0308", 9)


def test_all_are_chosen_if_there_are_fewer_than_wanted(log: CheckedLog) -> None:
    assert len(draw(log, "a lottery", 1_000).indexes) == 37


def test_each_signature_is_chosen_about_equally_often(log: CheckedLog) -> None:
    drawn = Counter(index for n in range(2_000) for index in draw(log, f"round {n:06}", 5).indexes)
    assert set(drawn) == set(log.walked.signers)
    expected = 2_000 * 5 / 37
    # Chi-squared with 36 degrees of freedom exceeds 80 once in thirty thousand times.
    assert sum((n - expected) ** 2 / expected for n in drawn.values()) < 80


@pytest.mark.parametrize(
    "seed",
    [
        "",
        "1" * (LEAST_SEED - 1),
        " 1234567",
        "1234567 ",
        "12345\n678",
        "12345\u202e78",
        "1" * 1_001,
        "123456\ud800",
    ],
)
def test_an_unfit_seed_is_refused(seed: str, log: CheckedLog) -> None:
    with pytest.raises(Refusal):
        draw(log, seed, 5)


def test_a_draw_without_signatures_is_refused() -> None:
    with pytest.raises(Refusal, match="nothing to draw"):
        draw(checked_log(made.petition().copy(), [], made.NOW), "a lottery", 5)
