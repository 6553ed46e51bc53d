"""Write the pages of a PDF into a new one, with what they show and nothing else.

Of each page only its size, its content and what that content names are kept. So scripts, actions, links, forms,
attachments, comments, layers and metadata stay behind, wherever they were. Pictures lose what a camera writes beside
the pixels.
"""

import io
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Name, Pdf

from sabal.delivery.jpegs import bare_jp2, bare_jpeg

_OF_A_PAGE = ("/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Contents", "/UserUnit", "/Group")
# What a dictionary beneath a page may hold (ISO 32000-2) that acts, leads elsewhere, or tells of its author.
_LEFT_OUT = frozenset(
    "/A /AA /AF /Alternates /Annots /Dest /EF /JS /LastModified /Measure /Metadata /OC /OPI /PieceInfo /Parent"
    " /Properties /PtData /Ref /RF /StructParent /StructParents /Thumb /URI /UF".split()
)
_ELSEWHERE = ("/F", "/FFilter", "/FDecodeParms")  # of a stream whose data is in another file
# Dictionaries with names of the author's choice: fonts, glyphs and so on.
_NAMED = frozenset("/Font /XObject /ExtGState /ColorSpace /Pattern /Shading /CharProcs /Colorants".split())
_PIXELS = 200_000_000  # of one picture
_DEEPEST = 60
_AT_ONCE = 1 << 20  # bytes
_JPEG, _JPEG_2000, _FAX = {"/DCTDecode", "/DCT"}, {"/JPXDecode"}, {"/CCITTFaxDecode", "/CCF", "/JBIG2Decode"}
_FLATE = {"/FlateDecode", "/Fl"}


def bare_pages(source: Pdf, most: int) -> bytes:
    """Return a new PDF with the pages of `source`, which is changed. `most` bounds the bytes of all streams together.

    Raises MemoryError if there are more, ValueError or PdfError for what cannot be shown.
    """
    made, cleaner = Pdf.new(), _Cleaner(most)
    for page in source.pages:
        kept = {key: value for key in _OF_A_PAGE if (value := _inherited(page.obj, key)) is not None}
        for key in list(page.obj.keys()):
            if key not in ("/Type", "/Parent"):
                del page.obj[key]
        for key, value in kept.items():
            page.obj[key] = value
            cleaner.clean(value, key, 0)
        made.pages.append(page)
    out = io.BytesIO()
    made.save(
        out,
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        compress_streams=True,
        deterministic_id=True,  # the same file always gives the same bytes
        fix_metadata_version=False,
    )
    return out.getvalue()


def _inherited(page: Any, key: str) -> Any:
    """Return a value of a page, or of a folder of pages above it."""
    for _ in range(_DEEPEST):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            break
        page = page["/Parent"]
    return None


class _Cleaner:
    """Takes out of the objects beneath a page what is not shown."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._seen: set[tuple[int, int]] = set()

    def clean(self, value: Any, key: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise ValueError("a PDF that is nested too deeply")
        if not isinstance(value, pikepdf.Object) or isinstance(value, Name | pikepdf.String):
            return
        if value.is_indirect:
            if value.objgen in self._seen:
                return
            self._seen.add(value.objgen)
        if isinstance(value, pikepdf.Array):
            for item in value:
                self.clean(item, "", depth + 1)
        elif isinstance(value, pikepdf.Stream | pikepdf.Dictionary):
            self._clean_keys(value, key, depth)
            if isinstance(value, pikepdf.Stream):
                self._clean_data(value)

    def _clean_keys(self, value: Any, key: str, depth: int) -> None:
        named = key in _NAMED and not isinstance(value, pikepdf.Stream)
        for inner in list(value.keys()):
            if (not named and inner in _LEFT_OUT) or (
                key == "/XObject" and named and not _is_shown(value[inner])
            ):
                del value[inner]
            else:
                self.clean(value[inner], inner, depth + 1)

    def _clean_data(self, stream: Any) -> None:
        for key in _ELSEWHERE:
            if key in stream:
                raise ValueError("a PDF whose data is in another file")
        if int(stream.get("/Width", 0)) * int(stream.get("/Height", 0)) > _PIXELS:
            raise MemoryError
        filters = _filters(stream)
        last = filters[-1] if filters else ""
        if last in _JPEG:
            self._rewrite(stream, filters, bare_jpeg)
        elif last in _JPEG_2000:
            self._rewrite(stream, filters, bare_jp2)
        elif last not in _FAX:
            if filters[:1] and filters[0] in _FLATE:
                self._unpacked(stream.read_raw_bytes(), keep=False)  # so that the next line cannot take more
            data = stream.read_bytes()
            self._count(len(data))
            if (
                stream.get("/Subtype") != Name.Image
            ):  # a picture keeps its way of being packed, which is smaller
                stream.write(data)

    def _rewrite(self, stream: Any, filters: list[str], bare: Callable[[bytes], bytes]) -> None:
        """Write the picture anew. It may be packed once more around its own format."""
        data = stream.read_raw_bytes()
        for packed in filters[:-1]:
            if packed not in _FLATE:
                raise ValueError("a picture that is packed in a way that is not read here")
            data = self._unpacked(data, keep=True)
        self._count(len(data))
        parameters = stream.get("/DecodeParms")
        if isinstance(parameters, pikepdf.Array):
            parameters = parameters[-1]
        stream.write(bare(data), filter=Name(filters[-1]), decode_parms=parameters)

    def _unpacked(self, data: bytes, *, keep: bool) -> bytes:
        """Unpack data as far as the bound allows; without `keep` only to see whether it is within it."""
        unpacking, left, kept = zlib.decompressobj(), self._left, []
        while data and not unpacking.eof:
            part = unpacking.decompress(data, _AT_ONCE)
            data, left = unpacking.unconsumed_tail, left - len(part)
            if left < 0:
                raise MemoryError
            if keep:
                kept.append(part)
        return b"".join(kept)

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise MemoryError


def _is_shown(value: Any) -> bool:
    """Return whether a part of a page is a picture or a drawing; PostScript for a printer is neither."""
    return isinstance(value, pikepdf.Stream) and value.get("/Subtype") in (Name.Image, Name.Form)


def _filters(stream: Any) -> list[str]:
    found = stream.get("/Filter")
    if found is None:
        return []
    return [str(one) for one in found] if isinstance(found, pikepdf.Array) else [str(found)]
