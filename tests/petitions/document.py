"""Word documents as Word writes them: paragraphs with styles, and lists by reference to a numbering part."""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/></Relationships>'
)
_FORMATS = {1: ("bullet", "\uf0b7"), 2: ("decimal", "%1."), 3: ("lowerLetter", "%2)")}

Paragraph = tuple[str, str]
"""The kind of a paragraph ("", "Heading1", "1:0" for list 1 at level 0) and its text. "<br/>" breaks the line."""


def word_document(paragraphs: Sequence[Paragraph]) -> bytes:
    """Return a .docx. Lists: 1 has bullets of the Symbol font, 2 has numbers."""
    body = "".join(_paragraph(kind, text) for kind, text in paragraphs)
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{number}">'
        + "".join(
            f'<w:lvl w:ilvl="{level}"><w:numFmt w:val="{name}"/><w:lvlText w:val="{text}"/></w:lvl>'
            for level in range(3)
        )
        + "</w:abstractNum>"
        for number, (name, text) in _FORMATS.items()
    )
    numbers = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in _FORMATS)
    return packed(
        {
            "[Content_Types].xml": _TYPES,
            "_rels/.rels": _RELATIONS.format(kind="officeDocument", target="word/document.xml"),
            "word/_rels/document.xml.rels": _RELATIONS.format(kind="numbering", target="numbering.xml"),
            "word/document.xml": f"<w:document {_W}><w:body>{body}</w:body></w:document>",
            "word/numbering.xml": f"<w:numbering {_W}>{levels}{numbers}</w:numbering>",
        }
    )


def packed(files: dict[str, str]) -> bytes:
    """Return a zip of the files (name → text)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def _paragraph(kind: str, text: str) -> str:
    properties = ""
    if ":" in kind:
        number, level = kind.split(":")
        properties = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    elif kind:
        properties = f'<w:pStyle w:val="{kind}"/>'
    runs = "<w:r><w:br/></w:r>".join(
        f'<w:r><w:t xml:space="preserve">{escape(piece)}</w:t></w:r>' for piece in text.split("<br/>")
    )
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"
