"""The random bytes of a request come from one call of the kernel, and none is used twice."""

import os

import pytest

from sabal import drawn


def test_bytes_are_drawn_in_one_call_and_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    counted = bytes(range(100))

    def urandom(size: int) -> bytes:
        calls.append(size)
        return counted[:size] if len(calls) == 1 else os.getrandom(size)

    monkeypatch.setattr(drawn.os, "urandom", urandom)
    draw = drawn.drawing(100)
    assert draw(16) + draw(32) + draw(52) == counted and calls == [100]
    assert len(draw(16)) == 16 and calls == [100, 16]  # more than was drawn: the kernel is asked again
    assert draw(16) != draw(16)


def test_a_piece_is_never_shorter_than_asked() -> None:
    draw = drawn.drawing(10)
    assert len(draw(8)) == 8 and len(draw(8)) == 8 and len(draw(2)) == 2
