"""Take the upload of a long list of addresses: into a file of the data folder, never into memory.

Other files of the desk stay in memory, and are small. A list may be long, and the worker reads it, so it goes to the
disk.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.contrib.auth import SESSION_KEY
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers

from sabal import settings
from sabal.limits.capacity import disk_has_room

MOST_BYTES = 100_000_000
ENDING = "/subscribers/import"


def folder() -> Path:
    """Return the folder of files that are imported or exported. Only the user of the server can open it."""
    path = settings.DATA / "transfers"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class ListFile(UploadedFile):  # type: ignore[type-arg]
    """An uploaded list in a file, which is gone when it is closed, unless it was kept."""

    def keep(self, path: Path) -> None:
        """Give the file a name that stays."""
        file = cast("tempfile._TemporaryFileWrapper[bytes]", self.file)
        file.flush()
        os.link(file.name, path)


class ListUpload(FileUploadHandler):
    """Writes the file of one form to the disk, for people who are signed in. Any other form is not its business."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Decide whether this form has a list that may be taken."""
        request = self.request
        self._wanted = (
            request is not None
            and request.path.endswith(ENDING)
            and SESSION_KEY in request.session
            and content_length <= MOST_BYTES
            and disk_has_room(settings.DATA)
        )
        self._file: BinaryIO | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self._wanted:
            made = tempfile.NamedTemporaryFile(dir=folder(), prefix=".upload-")  # noqa: SIM115 - closed with the form
            self._file = cast(BinaryIO, made)
            raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        if self._file is None:
            return raw_data
        self._file.write(raw_data)
        return None

    def file_complete(self, file_size: int) -> ListFile | None:
        if self._file is None:
            return None
        self._file.seek(0)
        return ListFile(self._file, self.file_name, self.content_type, file_size, self.charset)

    def upload_interrupted(self) -> None:
        if self._file is not None:
            self._file.close()
