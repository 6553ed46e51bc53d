"""Slugs of petitions and keys of recipients."""

import re
import unicodedata
from collections.abc import Collection

SLUG_LENGTH = 60

# The first words of the site's own paths, and a few words that look like one.
RESERVED = frozenset(
    {
        *(
            "accounts",
            "admin",
            "api",
            "card",
            "confirm",
            "desk",
            "dev",
            "favicon",
            "healthz",
            "imprint",
            "log",
        ),
        *("login", "manifest", "media", "newsletter", "petitions", "privacy", "robots", "security", "sent"),
        *("sign", "signature", "static", "style", "unsubscribe", "verify", "withdraw"),
    }
)
# Letters that Unicode does not compose of an ASCII letter and a mark.
_LATIN = str.maketrans(
    {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ı": "i", "ß": "ss", "æ": "ae",
     "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "Th", "ħ": "h", "ŋ": "n", "ŧ": "t", "ə": "e", "Ə": "E"}
)  # fmt: skip
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LIKE_LANGUAGE = re.compile(r"[a-z]{2,3}(-([a-z]{2}|hans|hant|latn|cyrl|arab))?")


def is_slug(text: str) -> bool:
    """Return whether `text` has only a–z, 0–9 and single hyphens between them."""
    return len(text) <= SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def is_free_slug(slug: str) -> bool:
    """Return whether `slug` is well formed and not a word of the site's own addresses."""
    return is_slug(slug) and slug not in RESERVED and not _LIKE_LANGUAGE.fullmatch(slug)


def slug_of(text: str) -> str:
    """Return the Latin letters and digits of `text` as a slug of whole words, or "" if there are none."""
    latin = re.sub("['’]", "", text).translate(_LATIN)
    plain = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    slug = ""
    for word in re.findall(r"[a-z0-9]+", plain.lower()):
        longer = f"{slug}-{word}" if slug else word[:SLUG_LENGTH]
        if len(longer) > SLUG_LENGTH:
            break
        slug = longer
    return slug


# The words below /newsletter/ that are no organisation.
NEWSLETTER_WORDS = frozenset({"confirm", "unsubscribe"})


def is_free_key(key: str) -> bool:
    """Return whether `key` is well formed and can name an organisation in the site's own addresses."""
    return is_slug(key) and key not in NEWSLETTER_WORDS


def free_key(slug: str, taken: Collection[str]) -> str:
    """Return an organisation's key, made from the slug of its first petition, different from all in `taken`."""
    key, n = slug, 1
    while key in taken or not is_free_key(key):
        n += 1
        key = f"{slug[: SLUG_LENGTH - 4].strip('-')}-{n}"
    return key


def key_of(name: str, taken: Collection[str]) -> str:
    """Return a recipient's anchor from its name, different from all in `taken`."""
    stem = slug_of(name)[: SLUG_LENGTH - 4].strip("-") or "recipient"
    key, n = stem, 1
    while key in taken:
        n += 1
        key = f"{stem}-{n}"
    return key
