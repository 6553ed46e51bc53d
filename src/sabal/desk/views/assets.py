"""The style of the desk: the tokens of the public pages, and a small sheet of its own."""

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse

from sabal.pages.html import FAVICON, TOKENS, minified_css

STYLE = minified_css(TOKENS + (Path(__file__).parents[1] / "style" / "desk.css").read_text(encoding="utf-8"))


@login_not_required
def style(request: HttpRequest) -> HttpResponse:
    """Answer with the style sheet."""
    return HttpResponse(
        STYLE, content_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=60"}
    )


@login_not_required
def favicon(request: HttpRequest) -> HttpResponse:
    """Answer with the mark."""
    return HttpResponse(
        FAVICON, content_type="image/svg+xml", headers={"Cache-Control": "public, max-age=3600"}
    )
