"""The pool: threads for pages and forms, waiting times, and threads that are freed."""

import asyncio
import threading
import time
from typing import Any

import pytest

from sabal.front.app import IN_FLIGHT
from sabal.front.pool import FORMS, REFUSED_FORMS, THREADS, Busy, Pool
from sabal.http import Response


class Pages:
    """Make pages that take a set time, and record calls and threads."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.made: list[tuple[object, ...]] = []
        self.threads: set[int] = set()
        self.now, self.most = 0, 0
        self.lock = threading.Lock()

    def make(self, *names: object) -> Response:
        with self.lock:
            self.made.append(names)
            self.threads.add(threading.get_ident())
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.takes)
        with self.lock:
            self.now -= 1
        if names == ("error",):
            raise ValueError("suzie@example.org")
        return Response(201, [(b"content-type", b"text/plain")], repr(names).encode())


def test_a_page_is_made_from_its_arguments() -> None:
    pages, mistakes = Pages(), object()

    async def run() -> None:
        answer = await Pool().page(pages.make, "bowl", "en")
        assert (answer.status, answer.body) == (201, b"('bowl', 'en')")
        assert answer.header(b"content-type") == b"text/plain"
        await Pool().refused_form(pages.make, "bowl", "en", mistakes, 422)

    asyncio.run(run())
    assert pages.made[1][2] is mistakes


def test_at_most_eight_threads_work() -> None:
    pages = Pages(takes=0.01)

    async def run() -> None:
        pool = Pool(waiting=1_000)
        await asyncio.gather(*(pool.page(pages.make, n) for n in range(100)))

    asyncio.run(run())
    assert pages.most <= 8 and len(pages.threads) <= 8 and len(pages.made) == 100


@pytest.mark.slow
def test_a_page_without_a_thread_in_time_is_busy() -> None:
    pages = Pages(takes=0.5)

    async def run() -> list[Any]:
        pool = Pool(threads=2, wait=0.05)
        began = time.monotonic()
        found = await asyncio.gather(*(pool.page(pages.make, n) for n in range(5)), return_exceptions=True)
        assert time.monotonic() - began < 1.0
        # The threads are free again for later pages.
        assert (await pool.page(pages.make, "/later")).status == 201
        return found

    found = asyncio.run(run())
    assert [isinstance(one, Busy) for one in found] == [False, False, True, True, True]
    assert len(pages.made) == 3


def test_the_number_of_waiting_pages_is_bounded() -> None:
    pages = Pages(takes=0.2)

    async def run() -> None:
        pool = Pool(threads=1, wait=5, waiting=2)
        tasks = [asyncio.create_task(pool.page(pages.make, n)) for n in range(3)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(Busy):
            await pool.page(pages.make, "/one-too-many")
        assert time.monotonic() - began < 0.05
        await asyncio.gather(*tasks)

    asyncio.run(run())


@pytest.mark.slow
def test_forms_leave_threads_to_pages_and_places_to_signing() -> None:
    pages = Pages(takes=0.3)

    async def run() -> tuple[list[Any], list[Any], Any]:
        pool = Pool()
        posts = [pool.form(pages.make) for _ in range(50)]
        again = [pool.refused_form(pages.make) for _ in range(50)]
        found = await asyncio.gather(*posts, *again, pool.page(pages.make, "/page"), return_exceptions=True)
        # The places are free again.
        assert (await pool.form(pages.make)).status == 201
        return found[:50], found[50:100], found[100]

    posts, again, page = asyncio.run(run())
    assert sum(not isinstance(one, Busy) for one in posts) == FORMS < THREADS
    assert sum(not isinstance(one, Busy) for one in again) == REFUSED_FORMS
    assert page.status == 201 and FORMS + REFUSED_FORMS < IN_FLIGHT / 2


def test_a_form_that_hangs_keeps_its_place_after_the_timeout() -> None:
    pages = Pages(takes=0.3)

    async def run() -> None:
        pool = Pool(longest=0.05)
        first = [pool.form(pages.make) for _ in range(FORMS)]
        found = await asyncio.gather(*first, return_exceptions=True)
        assert all(isinstance(one, Busy) for one in found)
        with pytest.raises(Busy):
            await pool.form(pages.make)
        assert len(pages.made) == FORMS

    asyncio.run(run())


def test_a_page_that_hangs_keeps_its_thread_after_the_timeout() -> None:
    pages = Pages(takes=0.4)

    async def run() -> None:
        pool = Pool(threads=1, wait=0.05, longest=0.1)
        with pytest.raises(Busy):
            await pool.page(pages.make, "/hangs")
        with pytest.raises(Busy):  # the thread is in use until the function ends
            await pool.page(pages.make, "/next")
        pages.takes = 0
        await asyncio.sleep(1)
        assert (await pool.page(pages.make, "/after")).status == 201

    asyncio.run(run())


def test_a_reader_that_disconnects_does_not_free_the_thread_early() -> None:
    pages = Pages(takes=0.2)

    async def run() -> None:
        pool = Pool(threads=1, wait=1)
        left = asyncio.create_task(pool.page(pages.make, "/left"))
        await asyncio.sleep(0.05)
        left.cancel()
        await pool.page(pages.make, "/next")
        assert pages.most == 1

    asyncio.run(run())


def test_an_error_is_raised_and_frees_its_thread() -> None:
    pages = Pages()

    async def run() -> None:
        pool = Pool(threads=1, wait=0.5)
        for _ in range(3):
            with pytest.raises(ValueError, match="suzie"):
                await pool.page(pages.make, "error")
        assert (await pool.page(pages.make, "/fine")).status == 201

    asyncio.run(run())
