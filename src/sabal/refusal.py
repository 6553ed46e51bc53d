"""Errors with a sentence for people. The command line prints it and exits with code 2, without a traceback."""


class Refusal(Exception):
    """The action cannot be done now. The sentence says why and names the next step."""
