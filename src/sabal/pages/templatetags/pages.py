"""Template tags and filters: the inlined parts, Markdown, numbers and days in the reader's language."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from babel.numbers import format_decimal
from django import template
from django.template import Context
from django.utils import translation
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from sabal.pages import html
from sabal.petitions import markdown
from sabal.petitions.countries import day_in_full
from sabal.petitions.locales import FIRST_STRONG_ISOLATE, POP_ISOLATE, direction, locale_of

register = template.Library()
register.filter(direction)


@register.simple_tag
def style() -> SafeString:
    """Return the inlined style sheet. Its bytes must match the hash in the policy."""
    return mark_safe(f"<style>{html.STYLE}</style>")  # noqa: S308 - our own file


@register.simple_tag(takes_context=True)
def accent(context: Context) -> SafeString:
    """Return the style with the organisation's colour, if the page has one. `pages.accent` made it of digits alone."""
    found = context.get("accent")
    return mark_safe(f"<style>{found}</style>") if found else SafeString("")  # noqa: S308


@register.simple_tag
def script() -> SafeString:
    """Return the inlined script. Its bytes must match the hash in the policy."""
    return mark_safe(f"<script>{html.SCRIPT}</script>")  # noqa: S308 - our own file


@register.simple_tag
def mark() -> SafeString:
    """Return the emblem, a bowl seen from above, as SVG."""
    return mark_safe(html.MARK)  # noqa: S308 - our own file


@register.filter
def blocks(text: str) -> SafeString:
    """Return Markdown paragraphs as sanitised HTML."""
    return mark_safe(markdown.to_html(text))  # noqa: S308 - sanitised there


@register.filter
def inline(text: str) -> SafeString:
    """Return inline Markdown, such as a demand, as sanitised HTML."""
    return mark_safe(markdown.inline_html(text))  # noqa: S308 - sanitised there


@register.filter
def plain_text(text: str) -> SafeString:
    """Return text that is no Markdown as paragraphs, with links where an https address is typed."""
    return mark_safe(markdown.plain_html(text))  # noqa: S308 - escaped and sanitised there


@register.simple_tag
def lang(language: str) -> SafeString:
    """Return the attributes of an element with words in `language`: nothing if it is that of the page."""
    page = _language()
    if language == page:
        return mark_safe("")
    if direction(language) == direction(page):
        return format_html(' lang="{}"', language)
    return format_html(' lang="{}" dir="{}"', language, direction(language))


@register.filter
def quoted(words: str, language: str) -> SafeString:
    """Return words in `language` for a sentence of the page: marked as such, and isolated from its direction."""
    stops = html.NAME_STOPS if words.endswith(".") else ""
    if language in ("", _language()):
        return format_html("{}{}", words, stops)
    return format_html('<bdi lang="{}" dir="{}">{}</bdi>{}', language, direction(language), words, stops)


@register.filter
def with_isolates(sentence: str, language: str) -> SafeString:
    """Return a sentence whose parts between isolates (Unicode Standard Annex 9) are in `language`."""
    html = conditional_escape(sentence)
    begin = format_html('<bdi lang="{}" dir="{}">', language, direction(language))
    # Both replacements are ours.
    return mark_safe(html.replace(FIRST_STRONG_ISOLATE, begin).replace(POP_ISOLATE, "</bdi>"))  # noqa: S308


@register.filter
def number(n: int) -> str:
    """Return a number as the reader's language writes it, such as 1,234."""
    return format_decimal(n, locale=locale_of(_language()))


@register.filter
def day(value: date) -> str:
    """Return a day in full, as the reader's language writes it."""
    return day_in_full(value, _language())


@register.filter
def at(found: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key that is not known when the template is written; None without it."""
    return found.get(key)


@register.filter
def demand_number(anchor: str) -> str:
    """Return the number in a demand's anchor: "1.2" for "demand-1-2"."""
    return ".".join(anchor.split("-")[1:])


def _language() -> str:
    return (translation.get_language() or "en").lower()
