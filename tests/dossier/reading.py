"""Read a PDF as other programs do: its text, its fonts, what it claims, and what an outsider finds."""

import io
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pdfua
import pikepdf
import pypdf


def text_of(pdf: bytes) -> str:
    """Return the text without spaces: lines are broken differently by each program."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return without_spaces("".join(page.extract_text() for page in pages))


def without_spaces(text: str) -> str:
    # The ligatures and CJK radicals that some programs give are the same letters.
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def faults(pdf: bytes, folder: Path) -> list[str]:
    """Return what a checker of PDF/UA-1 finds, and which fonts are not in the file."""
    path = folder / "checked.pdf"
    path.write_bytes(pdf)
    report = pdfua.validate(str(path))
    found = [f"{one.rule_id}: {one.message}" for one in report.findings if "ERROR" in str(one.severity)]
    with pikepdf.open(path) as document:
        found += [f"{name} is not embedded" for name, embedded in fonts(document) if not embedded]
    return found


def fonts(document: pikepdf.Pdf) -> Iterator[tuple[str, bool]]:
    for one in document.objects:
        if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor":
            yield str(one.FontName), any(key in one for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def claims(pdf: bytes) -> dict[str, Any]:
    """Return what the file says of itself: standards, title, language, and whether it is tagged."""
    with pikepdf.open(io.BytesIO(pdf)) as document, document.open_metadata() as metadata:
        return {
            "ua": metadata.get("pdfuaid:part"),
            "a": f"{metadata.get('pdfaid:part')}{metadata.get('pdfaid:conformance')}",
            "title": metadata.get("dc:title"),
            "language": str(document.Root.Lang),
            "tagged": bool(document.Root.MarkInfo.Marked),
        }


def links(pdf: bytes) -> set[str]:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return {
            str(one.A.URI)
            for page in document.pages
            for one in page.get("/Annots", [])
            if "/A" in one and "/URI" in one.A
        }
