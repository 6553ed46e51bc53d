"""Large files that the desk hands out: written to the disk first, then sent, and gone when they are sent.

So the database is read at the speed of the disk, however slow the other side is, and the browser knows the length: it
shows how far it is, and a broken download is not taken for a whole one.
"""

import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Self, cast

from django.http import StreamingHttpResponse
from django.utils.translation import gettext

from sabal import settings
from sabal.limits.capacity import disk_has_room
from sabal.refusal import Refusal

MOST_AT_ONCE = 2  # each takes one of the desk's threads while it is sent
PIECE = 65_536  # bytes
LOOK_EVERY = 1_000  # pieces between two looks at the disk

_places = threading.BoundedSemaphore(MOST_AT_ONCE)


class Spooled:
    """A file without a name in the data folder. The system deletes it when it is closed, also after a crash."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._open = True

    @classmethod
    @contextmanager
    def begin(cls) -> Iterator[Self]:
        """Yield a new file, to be written in this context. Raises Refusal if too many downloads are in progress."""
        if not _places.acquire(blocking=False):
            raise Refusal(gettext("Two downloads are in progress. Try again when one of them has ended."))
        try:
            unnamed = tempfile.TemporaryFile(dir=settings.DATA)  # noqa: SIM115 - it lives until it is sent
            made = cls(cast(BinaryIO, unnamed))
        except BaseException:
            _places.release()
            raise
        try:
            yield made
        except BaseException:
            made.close()
            raise

    def write_all(self, pieces: Iterable[bytes]) -> None:
        """Write all of it. Raises Refusal while signing needs what is left of the disk."""
        for number, piece in enumerate(pieces):
            if number % LOOK_EVERY == 0 and not disk_has_room(settings.DATA):
                raise Refusal(
                    gettext("The disk of the server is nearly full. Tell the operator of this server.")
                )
            self.file.write(piece)

    def response(self, name: str, content_type: str) -> StreamingHttpResponse:
        """Return the answer that sends the file under that name."""
        size = self.file.seek(0, 2)
        self.file.seek(0)
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
        return StreamingHttpResponse(self, content_type=content_type, headers=headers)

    def __iter__(self) -> Iterator[bytes]:
        return iter(lambda: self.file.read(PIECE), b"")

    def close(self) -> None:
        """Delete the file. The server calls it when the answer is sent, or the other side is gone."""
        if self._open:
            self._open = False
            self.file.close()
            _places.release()

    def __del__(self) -> None:
        self.close()  # an answer that nobody sent or closed
