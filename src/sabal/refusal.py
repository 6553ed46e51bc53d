"""What every room's commands say when something cannot be done."""


class Refusal(Exception):
    """What was asked cannot be done now. The sentence says why and names the next step."""
