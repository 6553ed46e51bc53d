"""The files of the desk: its style (the tokens of the public pages and a small sheet), its mark, organiser.html."""

from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse

from sabal.accounts.acts import Act
from sabal.desk.access import of_site
from sabal.organiser.page import NAME, organiser_page
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


@of_site(Act.VIEW)
def page_for_organisers(request: HttpRequest) -> HttpResponse:
    """Answer with organiser.html, to save: opened from the desk, it would have the desk's address and network."""
    page = organiser_page()
    if page is None:
        raise Http404
    return HttpResponse(
        page.content,
        content_type="text/html; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{NAME}"'},
    )
