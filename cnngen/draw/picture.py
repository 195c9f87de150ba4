"""Pictures as files: each format from the network, or from the SVG."""

from typing import cast

from cnngen.frameworks import framework
from cnngen.semantics.network import Network

SHARP = 2.0  # pixels for a point


def picture(
    network: Network, format: str, depth: int = 0, expand: frozenset[str] = frozenset()
) -> bytes:
    """The content of a file; raises `TooLargeError` and `MissingFrameworkError`."""
    match format:
        case "svg" | "png" | "pdf":
            from cnngen.draw.sheet import svg

            return converted(svg(network, depth, expand), format)
        case "dot":
            from cnngen.draw.flowchart import dot

            return dot(network, depth, expand).encode()
        case "mmd":
            from cnngen.draw.flowchart import mermaid

            return mermaid(network, depth, expand).encode()
        case "html":
            from cnngen.draw.explore import page

            return page(network, depth, expand).encode()
        case _:
            raise ValueError(format)


def converted(svg: str, format: str) -> bytes:
    """An SVG as it is, or as PNG or PDF."""
    match format:
        case "png":
            return cast(bytes, framework("vl_convert").svg_to_png(svg, scale=SHARP))
        case "pdf":
            return cast(bytes, framework("vl_convert").svg_to_pdf(svg))
        case _:
            return svg.encode()
