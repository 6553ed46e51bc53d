"""Forms are begun in turns, so that what is quick does not wait for all of them."""

import asyncio
from collections import Counter

from front.tiny_site import Echo, build
from front.visitor import FORM, visit
from sabal.front.turns import AT_ONCE, Turns
from sabal.http import Request, Response

OWN = (b"sec-fetch-site", b"same-origin")
ROUNDS = 50
SIGN = "/en/bowl/sign"


async def rounds(begun: list[int], number: int) -> Counter[int]:
    """Let that many rounds of the event loop pass; return how many pieces of work began in each."""
    found: Counter[int] = Counter()
    for n in range(number):
        before = len(begun)
        await asyncio.sleep(0)
        found[n] = len(begun) - before
    return found


def test_turns_are_given_in_the_order_of_asking_and_few_in_a_round() -> None:
    begun: list[int] = []

    async def work(turns: Turns, number: int) -> None:
        await turns.take()
        begun.append(number)

    async def run() -> Counter[int]:
        turns = Turns()
        tasks = [asyncio.create_task(work(turns, n)) for n in range(20)]
        found = await rounds(begun, ROUNDS)
        await asyncio.gather(*tasks)
        return found

    found = asyncio.run(run())
    assert begun == list(range(20)) and max(found.values()) == AT_ONCE


def test_a_visitor_who_has_gone_takes_no_turn_and_stops_nobody() -> None:
    async def run() -> None:
        turns = Turns()
        waiting = [asyncio.create_task(turns.take()) for _ in range(6)]
        await asyncio.sleep(0)
        for gone in waiting[:5]:
            gone.cancel()
        await asyncio.wait_for(waiting[5], 1)
        await asyncio.wait_for(turns.take(), 1)  # and the next one, long after

    asyncio.run(run())


def test_a_refusal_and_a_page_do_not_wait_for_the_forms_before_them() -> None:
    done: list[str] = []

    class Forms(Echo):
        async def sign(self, request: Request) -> Response:
            done.append("form")
            return await super().sign(request)

    async def run() -> None:
        front = build(Forms())

        async def noting(what: str, method: str, path: str) -> None:
            await visit(front, method, path, FORM, OWN)
            done.append(what)

        await visit(front, "GET", "/en/bowl")
        forms = [asyncio.create_task(visit(front, "POST", SIGN, FORM, OWN)) for _ in range(30)]
        await asyncio.sleep(0)
        await asyncio.gather(
            *forms, noting("page", "GET", "/en/bowl"), noting("refusal", "POST", "/en/nothing")
        )

    asyncio.run(run())
    assert done.count("form") == 30
    assert done.index("page") < 10 and done.index("refusal") < 10
