"""The content of an email: a few short paragraphs and one link, as plain text and as HTML.

Plain text comes first, and is short enough for a watch. The HTML part has no picture and loads nothing. Its colours and
fonts are those of the pages (`pages/style/tokens.css`); a test compares them.
"""

import secrets
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from django.utils.html import conditional_escape, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from sabal.petitions.locales import FIRST_STRONG_ISOLATE, POP_ISOLATE, direction, without_second_stop


class Phrase(NamedTuple):
    """Words as plain text and as HTML. `language` is theirs if they are quoted."""

    text: str
    html: SafeString
    language: str = ""

    @property
    def within(self) -> str:
        """Return the plain text for a sentence, isolated if it is written in the other direction."""
        if not self.language or direction(self.language) == _direction():
            return self.text
        return f"{FIRST_STRONG_ISOLATE}{self.text}{POP_ISOLATE}"


def quoted(text: str, language: str) -> Phrase:
    """Return words of a petition, such as its title, which may be in another language than the email's own."""
    html = format_html('<bdi lang="{}" dir="{}">{}</bdi>', language, direction(language), text)
    return Phrase(text, html, language)


def sentence(msgid: str, **quotations: Phrase) -> Phrase:
    """Return a translated sentence with words of a petition in it."""
    if not quotations:
        return Phrase(msgid, conditional_escape(msgid))
    text = msgid % {name: words.within for name, words in quotations.items()}
    html = conditional_escape(msgid) % {name: words.html for name, words in quotations.items()}
    for words in quotations.values():
        text = without_second_stop(text, words.text, words.within)
        html = without_second_stop(html, words.text, words.html)
    # Only the translators' words and the quotations are in it, and both are escaped.
    return Phrase(text, mark_safe(html))  # noqa: S308


@dataclass(frozen=True)
class Content:
    """The content of an email, in the language that is active.

    `opening` leads to the link. `closing` says what happens without a click. `checkpoint` is the newest one of the
    petition's log, or empty.
    """

    subject: str
    opening: tuple[Phrase, ...]
    link: str
    closing: str
    signed_by: Phrase
    checkpoint: str = ""

    @property
    def worth_keeping(self) -> str:
        """Return why the lines at the end are worth keeping.

        It names no petition, and does not ask to keep the email itself, which may endanger its reader.
        """
        return _(
            "The lines below are worth keeping, here or elsewhere; they name nobody. They are the state of our"
            " public log on the day of this email. If that log is ever shortened or rewritten, they prove it."
        )

    def as_text(self) -> str:
        """Return the plain text. What follows the line of two dashes is less important, and shown so."""
        paragraphs = [*(words.text for words in self.opening), self.link, self.closing, self.signed_by.text]
        if self.checkpoint:
            paragraphs += [f"-- \n{self.worth_keeping}", self.checkpoint]
        return "\n\n".join(paragraphs).rstrip("\n") + "\n"

    def as_html(self, language: str) -> str:
        """Return the HTML. `language` is that of the words."""
        return _html(replace(self, link=_LINK), language).replace(_LINK, escape(self.link))


# The same email goes to many people, and only the link differs.
_LINK = f"https://{secrets.token_hex(16)}.invalid"


def _direction() -> str:
    """Return the direction of the email's own words."""
    return "rtl" if get_language_bidi() else "ltr"


@lru_cache(maxsize=64)
def _html(content: Content, language: str) -> str:
    from django.template.loader import render_to_string  # it loads `django.db`, which the outbox never needs

    context = {
        "content": content,
        "language": language,
        "dir": _direction(),
        "typeface": TYPEFACES.get(language.partition("-")[0], LATIN),
    }
    return render_to_string("mail/email.html", context)


class Typeface(NamedTuple):
    """The fonts of a script, for the text and for buttons, and the line height."""

    text: SafeString
    buttons: SafeString
    leading: str
    break_: str = ""


def _stack(names: str) -> SafeString:
    return mark_safe(names.replace('"', "'"))  # noqa: S308 - a constant of this module


LATIN = Typeface(
    _stack('ui-serif,"Iowan Old Style","Palatino Linotype",Palatino,Georgia,serif'),
    _stack('system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif'),
    "1.62",
)
_KOREAN = _stack('"Apple SD Gothic Neo","Noto Sans KR","Noto Sans CJK KR","Malgun Gothic",sans-serif')
_JAPANESE = _stack('"Hiragino Sans","Noto Sans CJK JP",Meiryo,sans-serif')
_CHINESE = _stack('"PingFang SC","Noto Sans SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif')
TYPEFACES = {
    "ko": Typeface(_KOREAN, _KOREAN, "1.8", "keep-all"),
    "zh": Typeface(_CHINESE, _CHINESE, "1.85"),
    "ja": Typeface(_JAPANESE, _JAPANESE, "1.85"),
}
