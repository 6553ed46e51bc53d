"""Who is at work in this thread: what is stored on the way, such as a revision of a draft, says who made it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

from sabal.accounts.models import User

ONE_STEP = timedelta(minutes=10)
"""What a page saves by itself within this time counts as one step of its writer."""


@dataclass
class Acting:
    """One request. `script`: the page sent its form by itself. `find_form` returns the name of that open page.

    `revision` is that of the draft that it has saved.
    """

    find_user: Callable[[], User | None]
    script: bool = False
    find_form: Callable[[], str] = str
    revision: int | None = None


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


@contextmanager
def as_person(acting: Acting) -> Iterator[None]:
    """Do something in the name of a person."""
    token = _acting.set(acting)
    try:
        yield
    finally:
        _acting.reset(token)


def current() -> Acting | None:
    """Return who is at work; None for a command or the worker."""
    return _acting.get()


def is_script() -> bool:
    """Return whether a page is saving by itself."""
    acting = _acting.get()
    return acting is not None and acting.script
