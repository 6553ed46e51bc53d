"""Pictures for the invented petitions, drawn by code, so that none shows a person or a place that exists."""

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageFont

_PAPER, _INK, _STAMP = "#fbf7ec", "#3b3a36", "#9c2f24"


def receipt() -> bytes:
    """Return a sheet of paper on a table, with a stamp, as PNG."""
    picture = Image.new("RGB", (1200, 900), "#7b6248")
    drawing = ImageDraw.Draw(picture)
    for line in range(0, 900, 45):
        drawing.line((0, line, 1200, line + 14), fill="#725a42", width=6)
    sheet = Image.new("RGBA", (620, 800), _PAPER)
    written = ImageDraw.Draw(sheet)
    written.text((60, 60), "RECEIPT", font=ImageFont.load_default(44), fill=_INK)
    written.text((60, 130), "One petition, with its annexes", font=ImageFont.load_default(26), fill=_INK)
    for line in range(210, 560, 44):
        written.line((60, line, 560 - (line % 3) * 60, line), fill="#b9b3a4", width=5)
    stamp = Image.new("RGBA", (300, 300))
    pressed = ImageDraw.Draw(stamp)
    pressed.ellipse((8, 8, 292, 292), outline=_STAMP, width=9)
    pressed.ellipse((30, 30, 270, 270), outline=_STAMP, width=4)
    font = ImageFont.load_default(36)
    pressed.text((150, 130), "RECEIVED", font=font, fill=_STAMP, anchor="mm")
    pressed.text((150, 178), "Quillmere", font=ImageFont.load_default(28), fill=_STAMP, anchor="mm")
    tilted = stamp.rotate(14, Image.Resampling.BICUBIC)
    sheet.paste(tilted, (270, 470), tilted)
    laid = sheet.rotate(-4, Image.Resampling.BICUBIC, expand=True)
    picture.paste(laid, (270, 30), laid)
    return _png(picture)


def bus() -> bytes:
    """Return a bus on a road at night, as PNG."""
    picture = Image.new("RGB", (1200, 675), "#16233b")
    drawing = ImageDraw.Draw(picture)
    drawing.ellipse((930, 70, 1020, 160), fill="#e9e2c8")
    drawing.ellipse((-200, 330, 700, 1000), fill="#1f3350")
    drawing.ellipse((420, 390, 1500, 1100), fill="#1a2b46")
    drawing.rectangle((0, 560, 1200, 675), fill="#2b2f38")
    for left in range(20, 1200, 160):
        drawing.rectangle((left, 612, left + 80, 620), fill="#c9c4b2")
    drawing.rounded_rectangle((300, 350, 860, 570), radius=26, fill="#9c2f24")
    for left in range(330, 800, 96):
        drawing.rounded_rectangle((left, 385, left + 76, 462), radius=8, fill="#f4d98b")
    drawing.rectangle((300, 500, 860, 512), fill="#7c241b")
    for left in (380, 730):
        drawing.ellipse((left, 530, left + 84, 614), fill="#14161a")
        drawing.ellipse((left + 26, 556, left + 58, 588), fill="#8a8d93")
    drawing.polygon(((858, 520), (1200, 562), (1200, 611), (858, 540)), fill="#3d4150")
    drawing.ellipse((842, 512, 866, 540), fill="#fff2c4")
    return _png(picture)


DRAWINGS: Mapping[str, Callable[[], bytes]] = {"receipt": receipt, "bus": bus}


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
