"""Copies of hostile pages run nothing and fetch nothing in a real browser, with and without the copy's policy."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from checking.test_mirror import NOW, copied
from checking.web import Web, web
from served import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not CHROMIUM, reason="NO CHROMIUM: copies of hostile pages are not opened in a browser"
    ),
]

ACT = "document.title = 'OWNED'; fetch('/stolen')"
SCRIPT = f"<script>{ACT}</script>"
IMAGE = f'<img src=/stolen onerror="{ACT}">'
ATTACKS = [
    f"<!doctype html><html lang=en><body><svg><style>{SCRIPT}</style></svg><head><title>x</title></head><main></main>",
    f"<!doctype html><html lang=en><head><title>x</title></head><body><svg><style>{SCRIPT}</style></svg><main></main>",
    f"<math><style>{IMAGE}</style></math><head></head>",
    f"<svg><title><style>{SCRIPT}</style></title></svg>",
    f"<svg><desc><style></style>{IMAGE}</desc></svg>",
    f"<svg><p><style>{SCRIPT}</style>",
    f"<svg/><style>{SCRIPT}</style>",
    f"<body><style><!--</style>{IMAGE}<!----></style>",
    f"<math><mtext><table><mglyph><style><!--</style>{IMAGE}-->",
    f"<title><!--</title>{IMAGE}<!-- --></title>",
    '<xmp><p title="</xmp><img src=/stolen onerror=document.title=/OWNED/>">',
    f"<noscript><p title='</noscript>{IMAGE}'></noscript>",
    f"<!--><!-- --!>{IMAGE}-->",
    f"<![CDATA[>{IMAGE}]]>",
    f"<svg><![CDATA[><style>]]>{IMAGE}</svg>",
    f"<?x >{IMAGE}?>",
    f"<a title='`><x' {IMAGE[5:]}",
    f"<p id='x' class=\"&quot;>{SCRIPT}\">",
    "<svg fill='url(/stolen#a)' stroke='u\\72l(/stolen)'><circle r=4 fill='url(/stolen)'></svg>",
    "<style>@import '/stolen'; body { background: url(https://e.invalid/stolen) }</style><main>x</main>",
    "<link rel=stylesheet href=/stolen><iframe src=/stolen></iframe><object data=/stolen></object><embed src=/stolen>",
]


@pytest.fixture(scope="module")
def tab(browser: Any) -> Iterator[Any]:
    yield browser.new_page()


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as served:
        yield served


def shown(tab: Any, site: Web, html: str) -> list[str]:
    """Open a page. Return the paths that it requests, and last its title, which a script may have changed."""
    site.asked.clear()
    site.files["/page.html"] = html.encode()
    site.answers["/page.html"] = lambda request: _answer(request, html.encode())
    tab.goto(f"{site.url}/page.html")
    tab.wait_for_timeout(150)
    return [path for path in site.asked if path not in ("/page.html", "/favicon.ico")] + [tab.title()]


def _answer(request: Any, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def test_the_attacks_work_on_an_original_page(tab: Any, site: Web) -> None:
    """The first two attacks succeed on an original page."""
    for html in ATTACKS[:2]:
        assert shown(tab, site, html) == ["/stolen", "OWNED"]


@pytest.mark.parametrize("html", ATTACKS)
def test_a_copy_runs_and_fetches_nothing(tab: Any, site: Web, html: str) -> None:
    page = copied(html)
    *asked, title = shown(tab, site, page)
    assert not asked and "OWNED" not in title
    assert tab.evaluate("document.head.children[1].httpEquiv") == "Content-Security-Policy"
    assert (
        tab.evaluate("document.querySelectorAll('script, iframe, [onerror], [onload], body style').length")
        == 0
    )
    assert NOW.date().isoformat() in tab.inner_text("body")


@pytest.mark.parametrize("html", [one for one in ATTACKS if "@import" not in one])
def test_a_copy_is_harmless_without_its_policy(tab: Any, site: Web, html: str) -> None:
    page, n = re.subn("<meta http-equiv[^>]*>", "", copied(html))
    *asked, title = shown(tab, site, page)
    assert n == 1 and not asked and "OWNED" not in title


def test_a_kept_style_is_applied(tab: Any, site: Web) -> None:
    shown(
        tab, site, copied("<style>\r\np > b { color: rgb(1, 2, 3) }\r\n</style><main><p><b>x</b></p></main>")
    )
    assert tab.evaluate("getComputedStyle(document.querySelector('p > b')).color") == "rgb(1, 2, 3)"
