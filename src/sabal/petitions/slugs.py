"""The words by which petitions and recipients are addressed."""

import re
import unicodedata
from collections.abc import Collection

SLUG_LENGTH = 60

# The first words of the house's own paths, and a few that would read like one of them.
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
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LIKE_LANGUAGE = re.compile(r"[a-z]{2,3}(-([a-z]{2}|hans|hant|latn|cyrl|arab))?")


def is_slug(text: str) -> bool:
    """Whether `text` holds a–z, 0–9 and single hyphens between them, and nothing else."""
    return len(text) <= SLUG_LENGTH and _SLUG.fullmatch(text) is not None


def is_free_slug(slug: str) -> bool:
    """Whether `slug` is well formed and none of the words that the house uses in its own addresses."""
    return is_slug(slug) and slug not in RESERVED and not _LIKE_LANGUAGE.fullmatch(slug)


def slug_of(text: str) -> str:
    """The Latin letters and digits of `text` as a slug of whole words; "" where there are none."""
    plain = unicodedata.normalize("NFKD", re.sub("['’]", "", text)).encode("ascii", "ignore").decode()
    slug = ""
    for word in re.findall(r"[a-z0-9]+", plain.lower()):
        longer = f"{slug}-{word}" if slug else word[:SLUG_LENGTH]
        if len(longer) > SLUG_LENGTH:
            break
        slug = longer
    return slug


def key_of(name: str, taken: Collection[str]) -> str:
    """A recipient's anchor from its name, unlike all in `taken`."""
    stem = slug_of(name)[: SLUG_LENGTH - 4].strip("-") or "recipient"
    key, n = stem, 1
    while key in taken:
        n += 1
        key = f"{stem}-{n}"
    return key
