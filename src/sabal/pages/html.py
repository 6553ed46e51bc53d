"""Render pages: inlined style and script, the policy with their hashes, cache headers, languages."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from django.conf.locale import LANG_INFO
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html

from sabal import settings
from sabal.http import PUBLIC, Response
from sabal.petitions.locales import direction, language_of_names, own_name
from sabal.site_name import site_name
from sabal.source import ARCHIVE, source_url

# Templates put it behind a name that ends with a full stop, such as “… e.V.”, so that the sentence gets no second one.
# It is a private-use character, which `typed.py` refuses, so nobody can type it.
NAME_STOPS = "\ue5e5"
# Templates put a space between two sentences. Chinese and Japanese need none after their full-width marks.
_AFTER_FULL_WIDTH = re.compile(
    r"(?:(?<=[。？！；：，）])|(?<=[。？！；：，）]</a>)) +(?=[<⟦\u3000-\u9fff（“])"
)


def without_double_stops(body: str) -> str:
    """Return what a template made without the marks behind names, and without a full stop behind one."""
    return body.replace(f"{NAME_STOPS}.", "").replace(NAME_STOPS, "")


def page(
    template: str,
    context: Mapping[str, object],
    *,
    language: str,
    status: int = 200,
    cache: str = PUBLIC,
) -> Response:
    """Render `template` in `language`. `cache` is the `Cache-Control` header: PUBLIC, LASTING or PRIVATE.

    Templates get `language` and `text_dir` (of the petition's text), `site_language` and `dir` (of the site's own
    words: English if the site does not have `language`), `own_words` (the attribute of these within a text in
    `language`), `names_language` (of the names of countries), `site_name`, `source_url`, `source_is_here`, `base_url`
    and `dev`. `accent` in `context` is a further style of the page. The answer sets no cookie and does not depend on
    the client.
    """
    own_language = site_language(language)
    own_words = "" if own_language == language else format_html(' lang="{}"', own_language)
    common = {
        "language": language,
        "site_language": own_language,
        "dir": direction(own_language),
        "text_dir": direction(language),
        "own_words": own_words,
        "names_language": language_of_names(language),
        "base_url": settings.BASE_URL,
        "source_url": source_url(),
        "source_is_here": source_url() == ARCHIVE,
        "dev": settings.DEV,
    }
    with translation.override(own_language):
        body: str = render_to_string(template, {**common, "site_name": site_name(), **context})
    body = without_double_stops(body)
    if own_language.startswith(("zh", "ja")):
        body = _AFTER_FULL_WIDTH.sub("", body)
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _policy(str(context.get("accent", ""))).encode("ascii")),
        (b"cache-control", cache.encode("ascii")),
    ]
    return Response(status, headers, _without_blank_lines(body).encode())


def site_language(language: str) -> str:
    """Return the language of the site's own words for readers of `language`: English if the site does not have it."""
    return language if language in settings.SITE_LANGUAGES else "en"


def languages(codes: Iterable[str], path: str) -> list[dict[str, str]]:
    """Return the links of the language switch: code, path, and the name that the language has for itself."""
    return [{"code": code, "name": _own_name(code), "path": f"/{code}{path}"} for code in codes]


def _own_name(code: str) -> str:
    with suppress(KeyError):
        return str(LANG_INFO[code]["name_local"])
    return own_name(code)


def host() -> str:
    """Return the site's host name, with its port if it has one."""
    return urlsplit(settings.BASE_URL).netloc


def domain_question(domain: str) -> str:
    """Return the question about an address whose domain looks mistyped, in the language that is active."""
    question = translation.gettext(
        "Does your address end in %(domain)s? If so, correct it. If it is right as it is, press the button again."
    )
    return question % {"domain": domain}


def minified_css(source: str) -> str:
    """Return `source` without comments and needless space. Made for our own style sheet, not for CSS in general."""
    source = re.sub(r"/\*.*?\*/", "", source, flags=re.S)
    source = re.sub(r"\s+", " ", source)
    source = re.sub(r" ?([{};,>~]) ?", r"\1", source)
    source = re.sub(r"(?<=[\w-]): (?=[^}]*[;}])", ":", source)
    return source.replace(";}", "}").strip()


def minified_script(source: str) -> str:
    """Return `source` without its comment lines and indentation."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _policy(accent: str) -> str:
    """Return the policy of a page, which names the hash of everything inline."""
    return POLICY.replace(_hash(STYLE), f"{_hash(STYLE)} {_hash(accent)}") if accent else POLICY


def _without_blank_lines(html: str) -> str:
    return re.sub(r"\n[ \t]*(?=\n)", "", html).lstrip()


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


_ASSETS = Path(__file__).parent / "style"
TOKENS = (_ASSETS / "tokens.css").read_text(encoding="utf-8")
STYLE = minified_css(TOKENS + (_ASSETS / "style.css").read_text(encoding="utf-8"))
SCRIPT = minified_script((_ASSETS / "script.js").read_text(encoding="utf-8"))
MARK = (_ASSETS / "mark.svg").read_text(encoding="utf-8").strip()
FAVICON = (_ASSETS / "favicon.svg").read_bytes()
POLICY = (
    "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    f"style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; img-src 'self' data:"
)
