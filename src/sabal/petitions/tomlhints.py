"""Say how a line of petition.toml is written, to people who do not know TOML."""

import re

# What people type as a value, in the order in which it is looked for.
_HINTS = (
    (r"\d{4}-\d\d-\d\d", "There is no such day."),
    (r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?", "Write a day as year-month-day, such as 2028-11-30."),
    (r"(?i:true|false|yes|no|on|off)", "Write true or false, in small letters."),
    (r"\d+(?:[., '\u00a0\u202f]\d{3})+", "Write a number in digits alone, such as 1000."),
    (r".*[“”„‟«»「」『』＂].*", 'Write straight quotation marks: "…", not those of a word processor.'),
    (r".*[，].*|.*＝.*", "Write the comma and the equals sign as on an English keyboard: , and =."),
    (
        r"[^\"'\[{].*",
        'Write a text in quotation marks, such as "text"; for yes and no write true and false without them.',
    ),
    (r"\"[^\"]*", "A quotation mark is missing at the end."),
    (r"'[^']*'.+'|\"[^\"]*\".+", 'A quotation mark inside a text needs a backslash before it: \\".'),
)
_KEY = re.compile(r"\s*([\w.-]+)\s*([=:＝]?)\s*(.*?)\s*")


def how_to_write(line: str) -> str:
    """Return a sentence on how such a line is written, with a space before it, or an empty string."""
    found = _KEY.fullmatch(line.partition(" #")[0])
    if found is None:
        return ""
    key, sign, value = found.groups()
    if sign != "=":
        return f' Write an equals sign between key and value: {key} = "…".'
    if not value:
        return f' Write a value after the equals sign: {key} = "…".'
    return next((f" {hint}" for shape, hint in _HINTS if re.fullmatch(shape, value)), "")
