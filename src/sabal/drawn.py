"""Random bytes of one request, drawn from the kernel in one call."""

import os
from collections.abc import Callable


def drawing(number: int) -> Callable[[int], bytes]:
    """Return a function like `os.urandom`, whose first `number` bytes are drawn now.

    Each call of the kernel gives the interpreter to another thread and waits to get it back. No byte is returned twice.
    """
    drawn, start = os.urandom(number), 0

    def draw(size: int) -> bytes:
        nonlocal start
        if start + size > number:
            return os.urandom(size)
        start += size
        return drawn[start - size : start]

    return draw
