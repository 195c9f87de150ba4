"""Pictures as files: the SVG itself, or what is made of it."""

from typing import cast

from cnngen.frameworks import framework

SHARP = 2.0  # pixels for a point


def picture(svg: str, ending: str) -> bytes:
    """The content of a file that ends in `.svg`, `.png` or `.pdf`."""
    match ending:
        case ".svg":
            return svg.encode()
        case ".png":
            return cast(bytes, framework("vl_convert").svg_to_png(svg, scale=SHARP))
        case ".pdf":
            return cast(bytes, framework("vl_convert").svg_to_pdf(svg))
        case _:
            raise ValueError(ending)
