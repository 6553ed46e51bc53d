"""Numbers with their nouns in sentences."""


def counted(number: int, one: str, more: str = "") -> str:
    """Return the number with its words, as in "1 key is" or "1,024 keys are".

    If `more` is empty, it is `one` with an s.
    """
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def some_entries(number: int) -> str:
    """Return a number of entries of a log: "1 entry" or "1,024 entries"."""
    return counted(number, "entry", "entries")
