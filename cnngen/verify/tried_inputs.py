"""The inputs with which a network is tried: its own, an odd and an oblong one; or a small one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Dimensions
from cnngen.semantics.network import Network
from cnngen.sizes.find import explore
from cnngen.sizes.sets import Lengths
from cnngen.sizes.together import common_size, resized

SMALL = 16, 20  # heights and widths on which networks for small images are not made smaller


def other_sizes(path: Path, options: Options, network: Network) -> Iterator[Network]:
    """The network for odd and for oblong images, where it takes any such. Several images change
    together, if they are of one size.

    Smaller sizes are tried first: they show the same and cost less.
    """
    if (own := common_size(network.inputs)) is None:
        return
    height, width = own
    odd = [(height // 2 | 1, width // 2 | 1), (height - 1 | 1, width - 1 | 1)]
    odd += [(height + 1 | 1, width + 1 | 1)]
    oblong = [(height // 2, 3 * width // 4), (height, 3 * width // 2), (height, 2 * width)]
    for candidates in (odd, oblong):
        for size in candidates:
            if size != (height, width) and (found := _of_size(path, options, network, *size)):
                yield found
                break


def _of_size(
    path: Path, options: Options, network: Network, height: int, width: int
) -> Network | None:
    if min(height, width) < 1:
        return None
    inputs = resized(network.inputs, height, width)
    return analyse_file(path, Report(), replace(options, inputs=inputs))


def small(path: Path, options: Options, network: Network) -> Network:
    """The network for a small, odd and oblong input, or for the nearest that it takes; never a
    larger one than its own.
    """
    if (own := common_size(network.inputs)) is None:
        return network
    sizes = explore(network).compiled()
    height = _at_least(sizes.height, max(SMALL[0], own[0] // 4) | 1, own[0])
    width = _at_least(sizes.width, max(SMALL[1], 3 * own[1] // 8) | 1, own[1])
    return _of_size(path, options, network, height, width) or network


def _at_least(lengths: Lengths, length: int, own: int) -> int:
    return min(lengths.above(length - 1) or own, own)


def unchecked(network: Network, tried: Network) -> list[str]:
    """What a quick run on the small input leaves out."""
    larger = [] if network.inputs == tried.inputs else [sizes_text(network.input_dimensions)]
    return [*larger, "other sizes", "float32", "later steps of training"]


def sizes_text(inputs: Mapping[str, Dimensions]) -> str:
    """`224 x 224`, the size of the only image; or all sizes of what else a network is given."""
    match inputs:
        case {"input": (_, height, width)}:
            return f"{height} x {width}"
        case _:
            return ", ".join(" x ".join(map(str, sizes)) for sizes in inputs.values())
