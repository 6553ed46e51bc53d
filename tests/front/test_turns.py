"""Forms are begun in turns, so that what is quick does not wait for all of them."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from front.visitor import Answer
from front_end import Client, open_client
from sabal.front import handlers
from sabal.front.turns import AT_ONCE, Turns
from sabal.signing.form import Submission
from sabal.signing.operations import Sign
from sites import SiteOfTests

PAGE = "/en/stop-forced-repatriation"
ROUNDS = 50
SUZIE = {"name": "Suzie", "consent": "1"}


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


def test_a_page_does_not_wait_for_the_forms_before_it(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition, sealed = site.publish(), list[str]()
    seal = handlers.sign

    def noting(submission: Submission, *rest: Any) -> Sign:
        sealed.append(submission.email.typed)
        return seal(submission, *rest)

    async def page_after_a_while(client: Client) -> tuple[Answer, int]:
        for _ in range(4):  # rounds: the forms have arrived by then
            await asyncio.sleep(0)
        return await client.getting(PAGE), len(sealed)

    with open_client(site, monkeypatch) as client:
        client.get(PAGE)
        monkeypatch.setattr(handlers, "sign", noting)
        suzies = [SUZIE | {"email": f"suzie{n}@example.org", "version": petition.version} for n in range(40)]
        forms = [client.posting(f"{PAGE}/sign", suzie) for suzie in suzies]
        (page, before), *answers = client.at_once([page_after_a_while(client), *forms])
    assert page.status == 200 and {answer.status for answer in answers} == {303}
    assert len(sealed) == 40 and before <= 4 * AT_ONCE
