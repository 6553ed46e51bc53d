"""The exceptions of this package. The subclasses are those that a caller must tell apart."""


class TlogError(Exception):
    """An error whose message is a sentence for people. The base class itself means a wrong argument."""


class Malformed(TlogError):
    """The bytes do not follow the format."""


class Unproven(TlogError):
    """The input is well-formed, but a signature, a proof or a quorum fails. Trust no part of it."""


class OutOfOrder(TlogError):
    """The entry at `index` is not allowed at this position in the log."""

    def __init__(self, sentence: str, index: int) -> None:
        super().__init__(f"Entry {index}: {sentence}")
        self.index = index
