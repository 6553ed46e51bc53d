"""What a text may not contain: the fields of other programs, which nothing here fills in."""

import re

# {{name}}, {name}, *|FNAME|*, %%name%%, [[name]], <<name>>
_FIELD = re.compile(
    r"\{\{[^{}\n]{1,40}\}\}|\{[A-Za-z_ ]{1,30}\}|\*\|[^|\n]{1,40}\|\*|%%\w{1,30}%%|\[\[\w{1,30}\]\]|<<\w{1,30}>>"
)


def strange_fields(text: str) -> list[str]:
    """Return what looks like a personal field of another program, such as `{{first_name}}`."""
    return _FIELD.findall(text)
