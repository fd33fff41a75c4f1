"""Choose readable colours by the contrast ratio of WCAG 2.2 ("relative luminance")."""

READABLE = 4.5
"""Minimum contrast of text with its background (WCAG 2.2, success criterion 1.4.3)."""

_BLACK, _WHITE = "#000000", "#ffffff"


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two `#rrggbb` colours, from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(background: str) -> str:
    """Return white if it is readable, else black: one of them always is."""
    return _WHITE if contrast(_WHITE, background) >= READABLE else _BLACK


def away_from_text(background: str) -> str:
    """Return a shade for the hover state of a control, with more contrast to its text."""
    return mix(background, _BLACK if text_on(background) == _WHITE else _WHITE, 0.14)


def readable_on(surface: str, colour: str) -> str:
    """Return the shade nearest to `colour` that is readable as text on `surface`."""
    end = text_on(surface)
    shades = (mix(colour, end, step / 20) for step in range(21))
    return next(shade for shade in shades if contrast(shade, surface) >= READABLE)


def mix(colour: str, other: str, share: float) -> str:
    """Mix a `share` (0 to 1) of `other` into `colour`, channel by channel."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
