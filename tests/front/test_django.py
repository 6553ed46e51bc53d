"""The way to Django: what reaches it, how many threads it gets, how long anybody waits."""

import asyncio
import threading
import time
from typing import Any

import pytest

from sabal.front.app import IN_FLIGHT
from sabal.front.django import AGAIN, POSTS, THREADS, Busy, Django

BASE = "https://petition.example"


class Site:
    """A WSGI application of the test's own."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.environs: list[dict[str, Any]] = []
        self.threads: set[int] = set()
        self.now, self.most = 0, 0
        self.closed = 0
        self.lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self.lock:
            self.environs.append(environ)
            self.threads.add(threading.get_ident())
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.takes)
        with self.lock:
            self.now -= 1
        if environ["PATH_INFO"] == "/error":
            raise ValueError("suzie@example.org")
        start_response(
            "201 Created", [("Content-Type", "text/plain"), ("X-Body", environ["wsgi.input"].read().decode())]
        )
        return Body(self)


class Body(list[bytes]):
    """A response body that has to be closed, as Django's do."""

    def __init__(self, site: Site) -> None:
        super().__init__([b"one ", b"two"])
        self._site = site

    def close(self) -> None:
        self._site.closed += 1


def test_a_view_is_asked_and_its_answer_is_whole() -> None:
    site = Site()

    async def run() -> None:
        answer = await Django(site, BASE).render(
            "/en/newsletter", method="POST", body=b"a=b", content_type="x/y"
        )
        assert answer.status == 201 and answer.body == b"one two"
        assert answer.header(b"content-type") == b"text/plain" and answer.header(b"x-body") == b"a=b"

    asyncio.run(run())
    assert site.closed == 1


def test_the_environ_knows_the_house_and_nothing_of_the_reader() -> None:
    site = Site()

    async def run() -> None:
        form = object()
        await Django(site, BASE).render("/en/bowl", extra={"sabal.form": form, "sabal.status": 422})
        assert site.environs[0]["sabal.form"] is form and site.environs[0]["sabal.status"] == 422

    asyncio.run(run())
    environ = site.environs[0]
    assert environ["HTTP_HOST"] == "petition.example" and environ["wsgi.url_scheme"] == "https"
    assert environ["SERVER_PORT"] == "443" and environ["QUERY_STRING"] == ""
    assert {name for name in environ if name.startswith("HTTP_")} == {"HTTP_HOST"}
    assert "REMOTE_ADDR" not in environ


def test_eight_threads_are_all_that_work() -> None:
    site = Site(takes=0.01)

    async def run() -> None:
        way = Django(site, BASE, waiting=1_000)
        await asyncio.gather(*(way.render(f"/{n}") for n in range(100)))

    asyncio.run(run())
    assert site.most <= 8 and len(site.threads) <= 8 and len(site.environs) == 100


def test_who_gets_no_thread_in_time_is_told_so() -> None:
    site = Site(takes=0.5)

    async def run() -> list[Any]:
        way = Django(site, BASE, threads=2, wait=0.05)
        began = time.monotonic()
        found = await asyncio.gather(*(way.render(f"/{n}") for n in range(5)), return_exceptions=True)
        assert time.monotonic() - began < 1.0
        # The threads come free again for those who come later.
        assert (await way.render("/later")).status == 201
        return found

    found = asyncio.run(run())
    assert [isinstance(one, Busy) for one in found] == [False, False, True, True, True]
    assert len(site.environs) == 3


def test_those_who_wait_are_bounded_in_number() -> None:
    site = Site(takes=0.2)

    async def run() -> None:
        way = Django(site, BASE, threads=1, wait=5, waiting=2)
        tasks = [asyncio.create_task(way.render(f"/{n}")) for n in range(3)]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        with pytest.raises(Busy):
            await way.render("/one-too-many")
        assert time.monotonic() - began < 0.05
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_forms_take_neither_all_threads_nor_all_places_of_the_door() -> None:
    site = Site(takes=0.3)

    async def run() -> tuple[list[Any], list[Any], Any]:
        way = Django(site, BASE)
        posts = [way.render("/en/newsletter", method="POST") for _ in range(50)]
        again = [way.render("/en/bowl", extra={"sabal.status": 422}) for _ in range(50)]
        found = await asyncio.gather(*posts, *again, way.render("/page"), return_exceptions=True)
        # Their places come free again.
        assert (await way.render("/en/newsletter", method="POST")).status == 201
        return found[:50], found[50:100], found[100]

    posts, again, page = asyncio.run(run())
    assert sum(not isinstance(one, Busy) for one in posts) == POSTS < THREADS
    assert sum(not isinstance(one, Busy) for one in again) == AGAIN
    assert page.status == 201 and POSTS + AGAIN < IN_FLIGHT / 2


def test_a_form_that_hangs_keeps_its_place_though_nobody_waits_for_it() -> None:
    site = Site(takes=0.3)

    async def run() -> None:
        way = Django(site, BASE, longest=0.05)
        first = [way.render("/en/newsletter", method="POST") for _ in range(POSTS)]
        found = await asyncio.gather(*first, return_exceptions=True)
        assert all(isinstance(one, Busy) for one in found)
        with pytest.raises(Busy):
            await way.render("/en/newsletter", method="POST")
        assert len(site.environs) == POSTS

    asyncio.run(run())


def test_a_view_that_hangs_keeps_its_thread_and_nobody_waits_for_it() -> None:
    site = Site(takes=0.4)

    async def run() -> None:
        way = Django(site, BASE, threads=1, wait=0.05, longest=0.1)
        with pytest.raises(Busy):
            await way.render("/hangs")
        with pytest.raises(Busy):  # the thread is not free before the view has ended
            await way.render("/next")
        await asyncio.sleep(0.4)
        site.takes = 0
        assert (await way.render("/after")).status == 201

    asyncio.run(run())


def test_a_reader_who_leaves_gives_no_thread_back_before_its_time() -> None:
    site = Site(takes=0.2)

    async def run() -> None:
        way = Django(site, BASE, threads=1, wait=1)
        left = asyncio.create_task(way.render("/left"))
        await asyncio.sleep(0.05)
        left.cancel()
        await way.render("/next")
        assert site.most == 1

    asyncio.run(run())


def test_an_error_comes_through_and_frees_its_thread() -> None:
    site = Site()

    async def run() -> None:
        way = Django(site, BASE, threads=1, wait=0.5)
        for _ in range(3):
            with pytest.raises(ValueError, match="suzie"):
                await way.render("/error")
        assert (await way.render("/fine")).status == 201

    asyncio.run(run())
