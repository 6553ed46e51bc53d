"""The one exception of this package."""

from typing import Literal

Kind = Literal["refused", "wrong-key", "damaged"]


class AgeError(Exception):
    """A sentence for people; `kind` for programs.

    `wrong-key`: the file reads well, but no given key or passphrase opens it. Damage inside a stanza looks
    the same, since the file key that would show it is what the stanza holds.
    `damaged`: the bytes are no age file, or were changed or cut short after they were written.
    `refused`: an argument or a file of a kind that this package does not accept.

    No message holds a secret, nor any text it was given that might be one.
    """

    def __init__(self, sentence: str, kind: Kind = "refused") -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
