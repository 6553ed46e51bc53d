"""The colour of an organisation on its petitions' pages: it must be readable in light and in dark.

It colours the buttons, whose words are nearly white, and the line at the top. Contrast is that of WCAG 2.
"""

import colorsys
import re
from functools import cache

from sabal.pages.html import TOKENS

CONTRAST = 7.0  # of the words on a button
SEEN = 2.0  # of a button on dark paper: less, and it has no edge
COLOUR = re.compile(r"#[0-9a-f]{6}")
STEPS = 400


def passes(colour: str) -> bool:
    """Return whether the words of a button can be read on this colour in light."""
    return contrast(colour, _token("--on-beam", 0)) >= CONTRAST


def on_paper(colour: str) -> str:
    """Return this colour if words in it can be read on white paper, else that of pages without one."""
    return colour if COLOUR.fullmatch(colour) and passes(colour) else _token("--beam", 0)


def nearest(colour: str) -> str:
    """Return the lightest shade of this colour, of the same hue, that passes."""
    return next(shade for shade in _shades(colour, darker=True) if passes(shade))


def in_dark(colour: str) -> str:
    """Return the shade of this colour for dark pages: it is seen on dark paper, and its words can be read."""
    for shade in _shades(colour, darker=False):
        if contrast(shade, _token("--paper", 1)) >= SEEN:
            return shade
    return colour


@cache
def css(colour: str) -> str:
    """Return the style that gives a page this colour; "" for none. Its bytes are named in the page's policy."""
    if not COLOUR.fullmatch(colour) or not passes(colour):
        return ""
    dark = in_dark(colour)
    return (
        f":root{{--beam:{colour};--press:{_pressed(colour)}}}@media(prefers-color-scheme:dark)"
        f"{{:root{{--beam:{dark};--press:{_pressed(dark)}}}}}"
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in _rgb(colour)
    ]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def _shades(colour: str, *, darker: bool) -> list[str]:
    """Return shades of the same hue, from this one to black or white."""
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    end = 0.0 if darker else 1.0
    lights = (light + (end - light) * step / STEPS for step in range(STEPS + 1))
    return [_hex(colorsys.hls_to_rgb(hue, one, saturation)) for one in lights]


def _pressed(colour: str) -> str:
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    return _hex(colorsys.hls_to_rgb(hue, light * 0.8, saturation))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(value * 255):02x}" for value in rgb)


@cache
def _token(name: str, which: int) -> str:
    """Return a colour of every page: the light one (0) or the dark one (1)."""
    return str(re.findall(rf"{name}: (#[0-9a-f]{{6}})", TOKENS)[which])
