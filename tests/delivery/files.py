"""Files that people upload as proofs, harmless and hostile."""

import io
import zlib
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image

SECRET = b"SECRET-OF-THE-AUTHOR"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML_PAGE = b"<!doctype html><script>alert(1)</script>"


def photo(kind: str = "JPEG", size: tuple[int, int] = (400, 300), **options: Any) -> bytes:
    """Return a photo, red on the left and blue on the right, with a place and a comment in its metadata."""
    picture = Image.new(options.pop("mode", "RGB"), size, options.pop("colour", (200, 30, 20)))
    if picture.mode == "RGB":
        picture.paste((20, 30, 200), (size[0] // 2, 0, *size))
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()  # description
    exif[0x0112] = options.pop("orientation", 1)
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    out = io.BytesIO()
    picture.save(out, kind, exif=exif, **options)
    return out.getvalue()


def pdf(pages: int = 1, **save: Any) -> bytes:
    """Return a PDF with a sentence and a photo on its first page."""
    made = Pdf.new()
    for _ in range(pages):
        made.add_blank_page(page_size=(595, 842))
    first = made.pages[0].obj
    jpeg = photo()
    image = made.make_stream(
        jpeg,
        Type=Name.XObject,
        Subtype=Name.Image,
        Width=400,
        Height=300,
        ColorSpace=Name.DeviceRGB,
        BitsPerComponent=8,
        Filter=Name.DCTDecode,
    )
    font = made.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    # A font and a picture whose names are keys that act elsewhere.
    first.Resources = Dictionary(Font=Dictionary({"/A": font}), XObject=Dictionary({"/F": image}))
    first.Contents = made.make_stream(
        b"BT /A 24 Tf 72 700 Td (Received by the council) Tj ET q 400 0 0 300 72 300 cm /F Do Q"
    )
    out = io.BytesIO()
    made.save(out, **save)
    return out.getvalue()


def hostile_pdf() -> bytes:
    """Return a PDF with a script, actions, links, a form, an attachment, a layer and metadata, all of which speak."""
    made = Pdf.open(io.BytesIO(pdf(2)))
    script = made.make_indirect(Dictionary(S=Name.JavaScript, JS=String("app.alert('SECRET-OF-THE-AUTHOR')")))
    launch = Dictionary(S=Name.Launch, F=String("SECRET-OF-THE-AUTHOR.exe"))
    link = Dictionary(S=Name.URI, URI=String("https://evil.example/SECRET-OF-THE-AUTHOR"))
    page = made.pages[0].obj
    page.AA = Dictionary(O=script)
    page.Annots = Array(
        [
            made.make_indirect(
                Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 595, 842]), A=action)
            )
            for action in (launch, link)
        ]
    )
    page.Metadata = made.make_stream(b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>")
    page.PieceInfo = Dictionary(App=Dictionary(Private=String(SECRET)))
    page.Resources.Properties = Dictionary(MC0=Dictionary(Title=String(SECRET)))
    picture = page.Resources.XObject["/F"]
    picture.Metadata = made.make_stream(SECRET)
    page.Resources.XObject["/PS"] = made.make_stream(
        b"(SECRET-OF-THE-AUTHOR) run", Type=Name.XObject, Subtype=Name("/PS")
    )
    form = made.make_stream(b"0 0 10 10 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    form.Ref = Dictionary(F=String("SECRET-OF-THE-AUTHOR.pdf"), Page=0)
    page.Resources.XObject["/Inner"] = form
    made.Root.OpenAction = script
    made.Root.AA = Dictionary(WC=script)
    made.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("x"), script])))
    made.Root.AcroForm = Dictionary(XFA=String(SECRET), Fields=Array([]))
    made.attachments["SECRET-OF-THE-AUTHOR.html"] = b"<script>SECRET-OF-THE-AUTHOR</script>"
    made.docinfo["/Author"] = SECRET.decode()
    with made.open_metadata() as metadata:
        metadata["dc:creator"] = [SECRET.decode()]
    out = io.BytesIO()
    made.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return out.getvalue()


def pdf_with_stream(data: bytes, **values: Any) -> bytes:
    """Return a PDF whose page has this content, as it is packed."""
    made = Pdf.open(io.BytesIO(pdf()))
    page = made.pages[0].obj
    page.Contents = made.make_stream(b"")
    page.Contents.write(data, **values)
    out = io.BytesIO()
    made.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none, compress_streams=False)
    return out.getvalue()


def bomb(size: int) -> bytes:
    """Return that many spaces, packed."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(b" " * 1_000_000) for _ in range(size // 1_000_000)]
    return b"".join([*parts, packer.flush()])
