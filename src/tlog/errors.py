"""What this package raises: one error, and kinds of it where a caller must tell them apart."""


class TlogError(Exception):
    """A sentence for people. The bare class means that a caller asked for something that cannot be."""


class Malformed(TlogError):
    """Bytes that are not of the format, whoever wrote them."""


class Unproven(TlogError):
    """Well-formed, but a signature, a proof or a quorum does not hold: believe nothing of it."""


class OutOfOrder(TlogError):
    """An entry that may not stand where it stands; `index` says where that is."""

    def __init__(self, sentence: str, index: int) -> None:
        super().__init__(f"Entry {index}: {sentence}")
        self.index = index
