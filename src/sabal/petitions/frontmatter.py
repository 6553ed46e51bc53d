"""The lines between --- and --- at the top of LANG.md. Each is "key: text"."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from sabal.petitions.tomltable import suggestion

# Key → maximum length of its text, in characters.
FRONT_MATTER = {
    "title": 200,
    "summary": 600,
    "subject": 1200,
    "sign_invitation": 300,
    "newsletter_invitation": 300,
    "notice": 300,
    "confirm_email": 300,
    "thanks": 300,
    "picture_description": 300,
}
# These go out in the site's own name: in an email, and on the page after its link. Nothing in them may lead elsewhere.
OWN_NAME = ("confirm_email", "thanks")
# Programs make a link of an address in any case and width, and with the full stops of Chinese and Japanese.
_LEADS_ELSEWHERE = re.compile(r"://|\bwww\.|@|[\w-][.。｡][a-z]{2,}|\d(?:[ /.()-]?\d){6}", re.IGNORECASE)

_EAST_ASIAN = r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]"
# A line break between two of these characters is not a space: Chinese and Japanese have no spaces between words.
_SEAMLESS = re.compile(rf"(?<={_EAST_ASIAN})\s*\n\s*(?={_EAST_ASIAN})")


def read_front_matter(
    lines: Sequence[str], problem: Callable[[int, str], None]
) -> tuple[Mapping[str, str], int]:
    """Return the values by key ("" if there is none), each on one line, and the number of lines of the front matter.

    Call `problem` with line and sentence for each problem.
    """
    if lines[0].rstrip() != "---":
        problem(1, "The file must begin with a line --- and, below it, the title and summary.")
        return dict.fromkeys(FRONT_MATTER, ""), 0
    end = next((n for n, line in enumerate(lines) if n and line.rstrip() == "---"), None)
    if end is None:
        problem(1, "The line --- that ends title and summary is missing.")
        return dict.fromkeys(FRONT_MATTER, ""), len(lines)
    values: dict[str, list[str]] = {}
    line_numbers: dict[str, int] = {}
    key = ""
    for number, line in enumerate(lines[1:end], 2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t" and key:
            values[key].append(line)
        else:
            key = _first_line(number, line, values, line_numbers, problem)
    return _checked(values, line_numbers, problem), end + 1


def join_lines(text: str) -> str:
    """Return `text` with its lines joined into one."""
    return re.sub(r"\s*\n\s*", " ", _SEAMLESS.sub("", text)).strip()


def unquoted(text: str) -> str:
    """Return `text` without one pair of quotation marks around it, which people know from YAML."""
    if len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return text[1:-1].strip()
    return text


def _first_line(
    number: int,
    line: str,
    values: dict[str, list[str]],
    line_numbers: dict[str, int],
    problem: Callable[[int, str], None],
) -> str:
    """Add the line to `values` and return its key, or "" if the line cannot be used."""
    match = re.fullmatch(r"([A-Za-z_-]+)\s*:(?:\s+(.*))?", line.rstrip())
    if not match:
        problem(
            number, "Expected “key: text” here. A longer text continues in lines that begin with a space."
        )
        return ""
    key = match[1]
    if key not in FRONT_MATTER:
        problem(number, f"`{key}` is not a known key here. {suggestion(key, tuple(FRONT_MATTER))}")
        return ""
    if key in values:
        problem(number, f"`{key}` appears twice. The first one is in line {line_numbers[key]}.")
        return ""
    values[key], line_numbers[key] = [match[2] or ""], number
    return key


def _checked(
    values: Mapping[str, Sequence[str]], line_numbers: Mapping[str, int], problem: Callable[[int, str], None]
) -> Mapping[str, str]:
    found = dict.fromkeys(FRONT_MATTER, "")
    for key, lines in values.items():
        text = unquoted(join_lines("\n".join(lines)))
        longest = FRONT_MATTER[key]
        if not text:
            problem(line_numbers[key], f"`{key}` is empty.")
        elif len(text) > longest:
            problem(line_numbers[key], f"`{key}` is {len(text)} characters long; at most {longest} fit.")
        elif key in OWN_NAME and _LEADS_ELSEWHERE.search(unicodedata.normalize("NFKC", text)):
            problem(
                line_numbers[key],
                f"`{key}` must not contain a web address, an email address or a long number. The page has these.",
            )
        found[key] = text
    for key in ("title", "summary"):
        if key not in values:
            problem(1, f"`{key}` is missing.")
    return found
