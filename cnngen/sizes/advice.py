"""Advice: the nearest sizes that work, where a spec fails only for the size of its input."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.ops.base import Image, Shape, Unknown
from cnngen.ops.join import SAME_SIZE
from cnngen.semantics.network import Network
from cnngen.sizes.find import explore
from cnngen.sizes.sets import Lengths, in_words
from cnngen.sizes.together import Size, common_size, resized
from cnngen.syntax.load import load
from cnngen.syntax.tree import Spec

COMMON = (224, 256, 64, 512)
FARTHEST = 2  # a size that is so many times smaller is no help
MOST_LAYERS = 20_000  # of a network that is made for advice alone


def propose_sizes(path: Path, options: Options, diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Where all errors are about sizes, let the first one name sizes of the input that work."""
    errors = [d for d in diagnostics if d.severity is Severity.ERROR]
    if not errors or not all(map(_is_about_size, errors)):
        return diagnostics
    spec = load(path, Report(), reader=options.reader)
    if spec is None:
        return diagnostics
    own = {x.name.text: x.shape for x in spec.inputs if not isinstance(x.shape, Unknown)}
    nearest = _nearest(path, options, own)
    if nearest is None:
        return diagnostics
    first, (note, (height, width)) = errors[0], nearest
    advised = replace(first, notes=(*(first.notes or _stage(first, spec)), note))
    (image, at), *others = ((each.shape, each.span) for each in spec.inputs)
    channels = spec.inputs[0].parameter
    elsewhere = at.source.path != first.primary.span.source.path
    as_written = {**own, **options.inputs} == own and not others
    if (first.help == SAME_SIZE or elsewhere) and as_written and isinstance(image, Image):
        sides = f"channels: {channels or image.channels}, height: {height}, width: {width}"
        where = f" at line {at.line}" if at.source.path == str(path) and "\n" not in at.text else ""
        advised = replace(advised, help=f"write `input: {{{sides}}}`{where}")
    return [advised if d is first else d for d in diagnostics]


def _is_about_size(error: Diagnostic) -> bool:
    """Whether another height or width could mend an error; not where branches differ in channels
    only.
    """
    shapes = [re.fullmatch(r"\d+ x (\d+ x \d+)", label.text) for label in error.secondary]
    sides = {shape[1] for shape in shapes if shape}
    return error.code == "empty-output" or (error.code == "shape-mismatch" and len(sides) > 1)


def _stage(error: Diagnostic, spec: Spec) -> tuple[str, ...]:
    """A note that names the stage of a mistake that stands in no block."""
    at = error.primary.span
    before = [
        stage.name
        for stage in spec.stages
        if stage.name.span.source.path == at.source.path and stage.name.span.start <= at.start
    ]
    return (f"in stage `{before[-1].text}`",) if before else ()


def _nearest(path: Path, options: Options, own: Mapping[str, Shape]) -> tuple[str, Size] | None:
    """A note on the sizes that work, and the nearest of them.

    They are derived from a network for any size that has room for every window. Its branches are
    joined whatever their sizes, as the question is for which inputs they fit each other.
    """
    inputs = {**own, **options.inputs}
    given = common_size(inputs)
    if given is None:
        return None
    tried = [given, common_size(own) or given, *((side, side) for side in COMMON)]
    lenient = replace(options, lenient=True)
    made = (_made(path, lenient, inputs, size) for size in dict.fromkeys(tried))
    network = next((network for network in made if network), None)
    if network is None:
        return None
    sizes = explore(network).compiled()
    candidates = _candidates(given, sizes.height, sizes.width)
    near = [c for c in candidates if FARTHEST * c[0] >= given[0]]
    works = [c for c in near if _made(path, options, inputs, c)]
    if not works:
        return None
    every = "" if sizes.tied else f" ({in_words(sizes.height, sizes.width)})"
    which = "sizes that work are" if len(works) > 1 else "size that works is"
    listed = " and ".join(f"{height} x {width}" for height, width in works)
    nearest = min(works, key=lambda c: abs(c[0] - given[0]) + abs(c[1] - given[1]))
    return f"the nearest {which} {listed}{every}", nearest


def _made(path: Path, options: Options, inputs: Mapping[str, Shape], size: Size) -> Network | None:
    """The network for images of a size, if it is valid."""
    most = min(options.max_layers, MOST_LAYERS)
    chosen = replace(options, inputs=resized(inputs, *size), max_layers=most)
    return analyse_file(path, Report(), chosen)


def _candidates(given: Size, heights: Lengths, widths: Lengths) -> Sequence[Size]:
    """The next smaller and the next larger size; a side that works already is kept."""
    sides = [_around(given[0], heights), _around(given[1], widths)]
    pairs: Iterable[tuple[int | None, int | None]] = zip(*sides, strict=True)
    found = [(h, w) for h, w in pairs if h is not None and w is not None]
    return list(dict.fromkeys(size for size in found if size != given))


def _around(length: int, lengths: Lengths) -> tuple[int | None, int | None]:
    if length in lengths:
        return length, length
    below, above = lengths.below(length), lengths.above(length)
    return below or above, above or below
