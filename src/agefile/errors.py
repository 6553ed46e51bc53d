"""The exception of this package."""

from typing import Literal

Kind = Literal["refused", "wrong-key", "damaged"]


class AgeError(Exception):
    """An error with a sentence for people and a `kind` for programs.

    `wrong-key`: the file is well-formed, but no given key or passphrase opens it. Damage inside a stanza gives the same
    error: the stanza contains the file key, and without it the damage cannot be detected.
    `damaged`: the bytes are not an age file, or were changed or cut short after writing.
    `refused`: this package does not accept this argument or this kind of file.

    No message contains a secret, or input that may be a secret.
    """

    def __init__(self, sentence: str, kind: Kind = "refused") -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
