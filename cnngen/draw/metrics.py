"""Metrics: how wide a text is, the same on every machine, whatever fonts it has.

Pictures say how long each text is, so that a wider font is drawn as narrow as that.
"""

# Advance widths of Helvetica, which Arial and Liberation Sans share, in thousandths of the size,
# for the printable characters of ASCII.
WIDTHS = (
    *(278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278),
    *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556),
    *(1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778),
    *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556),
    *(333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556),
    *(556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584),
)
SIGNS = {"×": 584, "−": 584, "–": 556}
OTHERS = 700
BOLD = 1.08  # how much wider bold text is


def width(text: str, size: float, bold: bool = False) -> float:
    """The width of a text in points, where the letters have this size."""
    thousandths = sum(map(_thousandths, text)) * (BOLD if bold else 1)
    return size / 1000 * thousandths


def _thousandths(character: str) -> int:
    code = ord(character) - 32
    return WIDTHS[code] if 0 <= code < len(WIDTHS) else SIGNS.get(character, OTHERS)
