"""Rules of moderators in the front end: a network is held, refused or let through, and surges are noticed."""

import asyncio
import json

import pytest

from front.tiny_site import Echo, build
from front.visitor import FORM, Answer, visit
from sabal.front.front import Front
from sabal.limits.rules import NETWORK, Effect, Rules

NOW = 1_000_000.0
SIGN = "/en/bowl/sign"
OWN = (b"sec-fetch-site", b"same-origin")


def front_with(rules: Rules | None = None, echo: Echo | None = None) -> Front:
    front = build(echo, unlimited=False, hops=1, clock=lambda: NOW)
    front.app.rules._by_slug = {"bowl": rules} if rules else {}
    return front


async def sign(front: Front, address: str) -> Answer:
    return await visit(front, "POST", SIGN, FORM, OWN, (b"x-forwarded-for", address.encode()))


@pytest.mark.parametrize(
    ("effect", "status", "held"),
    [(Effect.HOLD, 303, "1"), (Effect.REFUSE, 429, None), (Effect.ALLOW, 303, None)],
)
def test_the_first_signature_of_a_network_with_a_rule(effect: Effect, status: int, held: str | None) -> None:
    echo = Echo()

    async def run() -> list[Answer]:
        front = front_with(Rules(rows=[(NETWORK, "203.0.113.0/24", effect)]), echo)
        return [await sign(front, address) for address in ("203.0.113.5", "203.0.114.5")]

    with_rule, other = asyncio.run(run())
    assert (with_rule.status, with_rule["x-held"]) == (status, held)
    assert (other.status, other["x-held"]) == (303, None)
    assert len(echo.seen) == (1 if effect is Effect.REFUSE else 2), "what is refused reaches no handler"


def test_a_network_that_is_let_through_is_never_held_for_its_number() -> None:
    async def run() -> list[Answer]:
        front = front_with(Rules(rows=[(NETWORK, "203.0.113.0/24", Effect.ALLOW)]))
        return [await sign(front, "203.0.113.5") for _ in range(700)]

    assert {(answer.status, answer["x-held"]) for answer in asyncio.run(run())} == {(303, None)}


def test_a_strict_petition_holds_from_the_seventh_on() -> None:
    async def run() -> list[Answer]:
        front = front_with(Rules(strictness=10.0))
        return [await sign(front, "203.0.113.5") for _ in range(7)]

    assert [answer["x-held"] for answer in asyncio.run(run())] == [None] * 6 + ["1"]


def test_rules_of_one_petition_say_nothing_about_another_page() -> None:
    async def run() -> Answer:
        front = front_with(Rules(rows=[(NETWORK, "203.0.113.0/24", Effect.REFUSE)]))
        forwarded = (b"x-forwarded-for", b"203.0.113.5")
        return await visit(front, "POST", "/en/confirm/abc", FORM, OWN, forwarded)

    assert asyncio.run(run()).status == 303


def test_a_surge_is_noticed_with_its_prefix_and_nothing_before() -> None:
    async def run() -> tuple[bytes, bytes]:
        front = front_with()
        for _ in range(100):
            await sign(front, "203.0.113.5")
        before = front.app.surges.as_json(NOW)
        for _ in range(3):
            await sign(front, "203.0.113.77")
        return before, front.app.surges.as_json(NOW)

    before, after = asyncio.run(run())
    hour = int(NOW) // 3_600 * 3_600
    assert json.loads(before) == []
    assert json.loads(after) == [["bowl", hour, 103, "network", "203.0.113.0/24"]]
