"""What templates need beside Django: the inlined parts, Markdown, numbers and days as readers write them."""

from datetime import date

from babel.dates import format_date
from babel.numbers import format_decimal
from django import template
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe

from sabal.pages import html
from sabal.petitions import markdown
from sabal.petitions.countries import locale_name

register = template.Library()


@register.simple_tag
def style() -> SafeString:
    """The sheet, inlined exactly as the policy's hash knows it."""
    return mark_safe(f"<style>{html.STYLE}</style>")  # noqa: S308 - our own file


@register.simple_tag
def script() -> SafeString:
    """The script, inlined exactly as the policy's hash knows it."""
    return mark_safe(f"<script>{html.SCRIPT}</script>")  # noqa: S308 - our own file


@register.simple_tag
def mark() -> SafeString:
    """The bowl seen from above."""
    return mark_safe(html.MARK)  # noqa: S308 - our own file


@register.filter
def blocks(text: str) -> SafeString:
    """Markdown paragraphs → sanitised HTML."""
    return mark_safe(markdown.to_html(text))  # noqa: S308 - sanitised there


@register.filter
def inline(text: str) -> SafeString:
    """Inline Markdown (a demand) → sanitised HTML."""
    return mark_safe(markdown.inline_html(text))  # noqa: S308 - sanitised there


@register.filter
def number(n: int) -> str:
    """1234 → "1,234" in the reader's way."""
    return format_decimal(n, locale=_locale())


@register.filter
def day(value: date) -> str:
    """A day in full, in the reader's way."""
    return format_date(value, "long", locale=_locale())


@register.filter
def demand_number(anchor: str) -> str:
    """ "demand-1-2" → "1.2"."""
    return ".".join(anchor.split("-")[1:])


def _locale() -> str:
    return locale_name((translation.get_language() or "en").lower())
