"""Together: the images that a network is given, where all are of one size, so that another size is
one for all of them.
"""

from collections.abc import Mapping
from dataclasses import replace

from cnngen.ops.base import Image, Shape

Size = tuple[int, int]


def common_size(inputs: Mapping[str, Shape]) -> Size | None:
    """The height and width of all images; None where there is no image, or they differ."""
    sizes = {(x.height, x.width) for x in inputs.values() if isinstance(x, Image)}
    return sizes.pop() if len(sizes) == 1 else None


def resized(inputs: Mapping[str, Shape], height: int, width: int) -> dict[str, Shape]:
    """The inputs with images of another size."""
    return {
        name: replace(x, height=height, width=width) if isinstance(x, Image) else x
        for name, x in inputs.items()
    }
