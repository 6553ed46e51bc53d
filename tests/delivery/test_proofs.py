"""Proofs of a delivery: photos and PDFs, and what an attacker uploads in their place."""

import io
import resource
import zipfile

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Name
from PIL import Image

from delivery.files import HTML_PAGE as HTML
from delivery.files import SECRET, SVG, bomb, hostile_pdf, pdf, pdf_with_stream, photo
from sabal.delivery.distil import Refused, distil
from sabal.delivery.jpegs import bare_jpeg
from sabal.delivery.proofs import distilled
from sabal.refusal import Refusal


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_keeps_its_pixels_and_loses_the_rest(kind: str) -> None:
    content = photo(kind)
    assert SECRET in content
    proof = distilled(content)
    assert (proof.media, proof.width, proof.height) == ("webp", 400, 300) and SECRET not in proof.data
    picture = Image.open(io.BytesIO(proof.data))
    assert picture.format == "WEBP" and not picture.getexif() and "xmp" not in picture.info
    left, right = (picture.convert("RGB").getpixel((x, 150)) for x in (50, 350))
    assert left[0] > 150 > left[2] and right[2] > 150 > right[0]
    assert distilled(content).digest == proof.digest


def test_a_photo_is_upright_and_as_large_as_it_needs_to_be() -> None:
    turned = distilled(photo(orientation=6, size=(400, 300)))
    assert (turned.width, turned.height) == (300, 400)
    large = distilled(photo(size=(6_000, 4_000)))
    assert (large.width, large.height) == (2_400, 1_600)


def test_pictures_of_other_kinds_are_made_right() -> None:
    cmyk = distilled(photo(mode="CMYK", colour=(0, 200, 200, 0)))
    assert Image.open(io.BytesIO(cmyk.data)).mode == "RGB"
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=10)
    assert getattr(Image.open(io.BytesIO(distilled(out.getvalue()).data)), "n_frames", 1) == 1


def test_a_scan_in_sixteen_bits_of_grey_is_not_white() -> None:
    out = io.BytesIO()
    Image.new("I;16", (40, 30), 0x8000).save(out, "PNG")
    pixel = Image.open(io.BytesIO(distilled(out.getvalue()).data)).convert("L").getpixel((20, 15))
    assert 120 < pixel < 136


def test_a_huge_picture_is_made_small_within_the_memory_of_its_process() -> None:
    for mode, colour in (("RGBA", (10, 120, 20, 255)), ("P", 5), ("L", 90)):
        out = io.BytesIO()
        Image.new(mode, (7_800, 5_100), colour).save(out, "PNG")
        proof = distilled(out.getvalue())
        assert (proof.width, proof.height) == (2_400, 1_569)


def test_a_pdf_keeps_its_pages_and_loses_the_rest() -> None:
    content = hostile_pdf()
    assert content.count(SECRET) > 8
    proof = distilled(content)
    assert proof.media == "pdf"
    made = pikepdf.open(io.BytesIO(proof.data))
    out = io.BytesIO()
    made.save(out, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    plain = out.getvalue() + b"".join(
        stream.read_raw_bytes() for stream in made.objects if isinstance(stream, pikepdf.Stream)
    )
    assert SECRET not in plain and SECRET.hex().encode() not in plain.lower()
    for word in (
        b"JavaScript",
        b"/AA",
        b"/URI",
        b"/Launch",
        b"/Annots",
        b"/Metadata",
        b"/AcroForm",
        b"/Names",
    ):
        assert word not in plain, word
    assert set(made.Root.keys()) <= {"/Type", "/Pages"} and not made.attachments and not made.docinfo
    assert len(made.pages) == 2
    page = made.pages[0].obj
    assert b"Received by the council" in page.Contents.read_bytes()
    assert set(page.Resources.Font.keys()) == {"/A"} and "/F" in page.Resources.XObject
    assert "/PS" not in page.Resources.XObject
    assert distilled(content).digest == proof.digest


def test_a_size_that_the_page_inherits_stays() -> None:
    made = pikepdf.open(io.BytesIO(pdf()))
    made.Root.Pages.MediaBox = pikepdf.Array([0, 0, 300, 400])
    del made.pages[0].obj["/MediaBox"]
    out = io.BytesIO()
    made.save(out)
    again = pikepdf.open(io.BytesIO(distilled(out.getvalue()).data))
    assert [int(n) for n in again.pages[0].obj.MediaBox] == [0, 0, 300, 400]


def test_what_is_appended_stays_behind() -> None:
    """A file that is a PDF or a photo for one program, and an archive or a page for another."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("evil.html", HTML)
    for content in (photo("JPEG") + archive.getvalue(), pdf() + b"\n%" + HTML, photo("PNG") + HTML):
        data = distilled(content).data
        assert b"<script>" not in data and not zipfile.is_zipfile(io.BytesIO(data))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "neither a photo"),
        (SVG, "neither a photo"),
        (HTML, "neither a photo"),
        (b"GIF89a" + HTML, "neither a photo"),
        (b"\n" + pdf(), "neither a photo"),
        (HTML + pdf(), "neither a photo"),
        (b"PK\x03\x04" + b"x" * 100, "neither a photo"),
        (b"\xff\xd8\xff" + HTML, "photo is damaged"),
        (photo()[:900], "photo is damaged"),
        (photo("PNG")[:200], "photo is damaged"),
        (b"%PDF-1.7\n" + HTML, "PDF is damaged"),
        (pdf()[:-300], "PDF is damaged"),
        (pdf(101), "more than 100 pages"),
        (pdf(encryption=pikepdf.Encryption(owner="x", user="y")), "protected by a password"),
        (pdf(encryption=pikepdf.Encryption(owner="x", user="")), "protected by a password"),
        (b"%PDF-" + b"x" * 40_000_000, "at most 10 MB"),
        (photo("PNG", (9_000, 9_000)), "too many pixels"),
        (pdf_with_stream(bomb(600_000_000), filter=Name.FlateDecode), "too much memory"),
        (pdf_with_stream(b"not packed at all", filter=Name.FlateDecode), "PDF is damaged"),
    ],
)  # fmt: skip
def test_what_is_no_proof_is_refused_in_a_sentence(content: bytes, word: str) -> None:
    with pytest.raises(Refusal, match=word):
        distilled(content)


def test_a_bomb_takes_no_memory_of_the_desk() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Refusal):
        distilled(pdf_with_stream(bomb(600_000_000), filter=Name.FlateDecode))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


def test_data_in_another_file_is_refused() -> None:
    made = pikepdf.open(io.BytesIO(pdf()))
    made.pages[0].obj.Contents["/F"] = pikepdf.String("/etc/passwd")
    out = io.BytesIO()
    made.save(out)
    with pytest.raises(Refusal, match="PDF is damaged"):
        distilled(out.getvalue())


def test_a_jpeg_of_several_scans_keeps_all_of_them() -> None:
    content = photo("JPEG", (900, 700), progressive=True)
    bare = bare_jpeg(content + b"second picture")
    assert SECRET not in bare and b"second" not in bare
    both = (Image.open(io.BytesIO(one)).tobytes() for one in (content, bare))
    assert next(both) == next(both)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([pdf(), hostile_pdf(), photo(), photo("PNG")]), st.data())
def test_any_damage_is_refused_or_made_right(content: bytes, data: st.DataObject) -> None:
    """Flipped, cut and doubled bytes never raise anything but a refusal."""
    at = data.draw(st.integers(0, len(content) - 1))
    by = data.draw(st.binary(max_size=8))
    keep = data.draw(st.sampled_from([at, at + 1, at + len(by)]))
    try:
        said, made = distil(content[:at] + by + content[keep:])
    except (Refused, MemoryError):
        return
    assert made.startswith(b"%PDF-" if said["media"] == "pdf" else b"RIFF") and SECRET not in made
