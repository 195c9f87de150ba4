"""The inputs with which a network is tried: its own, an odd and an oblong one; or a small one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.sizes.find import explore
from cnngen.sizes.sets import Lengths

SMALL = 16, 20  # heights and widths on which networks for small images are not made smaller


def other_sizes(path: Path, options: Options, own: Image) -> Iterator[Network]:
    """The network for an odd and for an oblong input, where it takes any such.

    Smaller sizes are tried first: they show the same and cost less.
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
    if min(height, width) < 1:
        return None
    shape = Image(own.channels, height, width)
    return analyse_file(path, Report(), replace(options, input=shape))


def small(path: Path, options: Options, network: Network) -> Network:
    """The network for a small, odd and oblong input, or for the nearest that it takes; never a
    larger one than its own.
    """
    own, sizes = network.input, explore(network).compiled()
    height = _at_least(sizes.height, max(SMALL[0], own.height // 4) | 1, own.height)
    width = _at_least(sizes.width, max(SMALL[1], 3 * own.width // 8) | 1, own.width)
    return _of_size(path, options, own, height, width) or network


def _at_least(lengths: Lengths, length: int, own: int) -> int:
    return min(lengths.above(length - 1) or own, own)


def unchecked(network: Network, tried: Network) -> list[str]:
    """What a quick run on the small input leaves out."""
    own, size = network.input, tried.input
    larger = [] if own == size else [f"{own.height} x {own.width}"]
    return [*larger, "other sizes", "float32", "later steps of training"]
