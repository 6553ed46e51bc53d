"""Open the desk's pages in turn, over HTTP: `python -m bench.desk_visits PORT COOKIE SLUG SECONDS`.

A process of its own, so that the load generator does not delay it. It prints one line of JSON: milliseconds by page.
"""

import json
import sys
import time
from collections import defaultdict
from http.client import HTTPConnection

PAGES = (
    "/",
    "/new",
    "/new/copy",
    "/petitions/{}",
    "/petitions/{}/languages",
    "/petitions/{}/preview",
    "/en/{}",
    "/petitions/{}/numbers",
    "/petitions/{}/numbers?before=50000",
    "/petitions/{}/numbers/growth.csv",
    "/petitions/{}/numbers/countries.csv",
    "/petitions/{}/emails",
    "/petitions/{}/names",
    "/petitions/{}/held",
    "/petitions/{}/limits",
    "/petitions/{}/revocations",
    "/petitions/{}/pause",
    "/petitions/{}/close",
    "/petitions/draft-7",
    "/petitions/draft-7/terms",
    "/petitions/draft-7/recipients",
    "/petitions/draft-7/text/en",
    "/petitions/draft-7/languages/ko",
    "/petitions/draft-7/revisions",
    "/petitions/draft-7/key",
    "/petitions/draft-7/publish",
    "/email",
    "/email?days=30",
    "/organisations",
    "/organisations/house-7",
    "/people",
    "/people/invite",
    "/history",
    "/history?page=150",
    "/account/security/",
    "/account/sessions/",
    "/components",
)
PAUSE = 0.1  # seconds between two pages: more than a whole team opens


def main(port: str, cookie: str, slug: str, seconds: str) -> None:
    """Open one page after the other until the time is over. Raise RuntimeError for an answer that is no page."""
    connection = HTTPConnection("localhost", int(port), timeout=30)
    took: dict[str, list[float]] = defaultdict(list)
    for page in PAGES:  # the first time each takes longer and is not measured
        visit(connection, page.format(slug), cookie)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        for page in PAGES:
            took[page].append(visit(connection, page.format(slug), cookie))
            time.sleep(PAUSE)
    print(json.dumps(took))


def visit(connection: HTTPConnection, path: str, cookie: str) -> float:
    """Open one page, and return the milliseconds. Raise RuntimeError for an answer that is no page."""
    start = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": f"sabal_desk={cookie}"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.getheader('Location')}")
    return (time.perf_counter() - start) * 1e3


if __name__ == "__main__":
    main(*sys.argv[1:])
