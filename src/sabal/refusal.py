"""Errors with a sentence for people. The command line prints it and exits with code 2, without a traceback."""

from collections.abc import Sequence


class Refusal(Exception):
    """The action cannot be done now. The sentence says why and names the next step.

    `values` fill the sentence, where they are written as `%(name)s`. They are kept apart so that the desk can translate
    the sentence. `also` are further reasons.
    """

    def __init__(self, sentence: str = "", also: Sequence["Refusal"] = (), **values: object) -> None:
        self.sentence, self.also, self.values = sentence, tuple(also), values
        own = sentence % values if values else sentence
        super().__init__(" ".join([own, *map(str, also)]))
