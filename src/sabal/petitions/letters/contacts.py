"""Find what leads to a person or to an account: email addresses, telephone numbers, bank accounts, contact links."""

import unicodedata

import regex

from sabal.petitions.letters.words import LetterWords, words_of

_EMAIL = regex.compile(r"[^\s@<>()（）:：]{1,64}\s?@\s?[^\s@<>()（）.]{1,64}\.\w")
_SPELT_EMAIL = regex.compile(r"\w\s{0,2}[\[({]\s?(?:at|ät|chez|arroba|골뱅이)\s?[\])}]\s{0,2}\w", regex.I)
# Eight digits or more with separators, or with a sign of a telephone number before them.
_TELEPHONE = regex.compile(
    r"(?<![\w.,/-])(?:\+\s?\d[\d\s().·/-]{6,}\d|\(?0\d{1,5}\)?[\s./·–-]+\d[\d\s./·–-]{3,}\d|\d{2,4}-\d{3,4}-\d{3,4}|0\d{8,12})(?![\w,]*\d)"
)
_NUMBER = regex.compile(r"[^\d+]{0,12}\+?\(?\d[\d\s().·/-]{3,}\d")
_HANDLE = regex.compile(r"[^\w@]{0,3}@\w{3}")
_VALUE = regex.compile(r"\.?\s*[:：]\s*\S")
_ACCOUNT = regex.compile(
    r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,8}(?:\s?[A-Z0-9]{1,3})?\b|\b(?:\d[ -]?){12,19}\b"
)
_LINK = regex.compile(r"(?:https?://|www\.)\S*", regex.I)
_CONTACT_LINK = regex.compile(
    r"kontakt|contac|kakao|wa\.me|t\.me/|line\.me|wechat|weixin|m\.me/|zalo\.me|donat|spend|paypal|gofundme|facebook\.com/messages",
    regex.I,
)
DATE = regex.compile(
    r"(?:令和|平成|民國|民国)\s?\d{1,3}\s?年(?:\s?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?)?|[〇零一二三四五六七八九]{4}年[一二三四五六七八九十]{1,2}月(?:[一二三四五六七八九十]{1,3}日)?|"
    r"(?<![\d-])(?:(?:19|20)\d\d\s?[-./年년]\s?\d{1,2}(?:\s?[-./月월]\s?\d{1,2}[.日일號号]?|\s?[月월])?|\d{1,2}[-./]\s?\d{1,2}[-./]\s?(?:19|20)?\d\d)(?![\d-])"
)


def contact_in(text: str, words: LetterWords) -> str:
    """Return what kind of contact a line has: "email address", "telephone number", …; "" if it has none."""
    plain = DATE.sub(" ", with_plain_digits(text))
    if ("@" in plain and _EMAIL.search(plain)) or _SPELT_EMAIL.search(plain):
        return "email address"
    for link in _LINK.findall(plain):
        if _CONTACT_LINK.search(link) or _says_contact(plain[: plain.index(link)], words):
            return "contact link"
    without_links = _LINK.sub(" ", plain)
    if _TELEPHONE.search(without_links):
        return "telephone number"
    if _ACCOUNT.search(without_links):
        return "account number"
    return "contact" if _names_contact(without_links, words) else ""


def with_plain_digits(text: str) -> str:
    """Return `text` in NFKC, with the digits of every script as 0 to 9."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(
        str(unicodedata.digit(character)) if character.isdecimal() else character for character in text
    )


def _says_contact(text: str, words: LetterWords) -> bool:
    return any(one.contact_words.search(text) for one in (words, words_of("en")))


def _names_contact(text: str, words: LetterWords) -> bool:
    """Return whether a word such as "Tel" or "account" has a number after it, or a short line has it as its label."""
    for match in words.contact_words.finditer(text[:400]):
        if match.start() <= 3 and len(text) <= 100 and _VALUE.match(text, match.end()):
            return True
        if _HANDLE.match(text, match.end()):
            return True
        if (number := _NUMBER.match(text, match.end())) and sum(c.isdigit() for c in number[0]) >= 6:
            return True
    return False
