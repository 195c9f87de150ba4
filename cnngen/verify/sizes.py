"""The inputs at which a network is tried: its own, an odd one and an oblong one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import Network


def other_sizes(path: Path, options: Options, own: Image) -> Iterator[Network]:
    """The network with an odd and with an oblong input, where it takes any such.

    Smaller ones come first: they show the same and cost less.
    """
    height, width = own.height, own.width
    odd = [(height // 2 | 1, width // 2 | 1), (height - 1 | 1, width - 1 | 1)]
    odd += [(height + 1 | 1, width + 1 | 1)]
    oblong = [(height // 2, 3 * width // 4), (height, 3 * width // 2), (height, 2 * width)]
    for candidates in (odd, oblong):
        for size in candidates:
            if size != (height, width) and (network := _of_size(path, options, own, *size)):
                yield network
                break


def _of_size(path: Path, options: Options, own: Image, height: int, width: int) -> Network | None:
    shape = Image(own.channels, height, width)
    return analyse_file(path, Report(), replace(options, input=shape))
