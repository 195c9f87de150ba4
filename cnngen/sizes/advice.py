"""Advice: the nearest sizes that work, where a spec fails only for the size of its input."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.codes import Severity
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.ops.base import Image
from cnngen.ops.join import SAME_SIZE
from cnngen.semantics.network import Network
from cnngen.sizes.find import explore
from cnngen.sizes.sets import Lengths, in_words
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
    own = Image(spec.input.channels, spec.input.height, spec.input.width)
    given = options.input or own
    nearest = _nearest(path, options, given, own)
    if nearest is None:
        return diagnostics
    first, (note, image) = errors[0], nearest
    advised = replace(first, notes=(*(first.notes or _stage(first, spec)), note))
    elsewhere = spec.input.span.source.path != first.primary.span.source.path
    if (first.help == SAME_SIZE or elsewhere) and given == own:
        sides = f"channels: {image.channels}, height: {image.height}, width: {image.width}"
        at = spec.input.span
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


def _nearest(path: Path, options: Options, given: Image, own: Image) -> tuple[str, Image] | None:
    """A note on the sizes that work, and the nearest of them.

    They are derived from a network for any size that has room for every window. Its branches are
    joined whatever their sizes, as the question is for which inputs they fit each other.
    """
    sides = [(given.height, given.width), (own.height, own.width)]
    sides += [(side, side) for side in COMMON]
    images = dict.fromkeys(Image(given.channels, *each) for each in sides)
    lenient = replace(options, lenient=True)
    made = (_made(path, lenient, image) for image in images)
    network = next((network for network in made if network), None)
    if network is None:
        return None
    sizes = explore(network).compiled()
    candidates = _candidates(given, sizes.height, sizes.width)
    near = [c for c in candidates if FARTHEST * c.height >= given.height]
    works = [c for c in near if _made(path, options, c)]
    if not works:
        return None
    every = "" if sizes.tied else f" ({in_words(sizes.height, sizes.width)})"
    which = "sizes that work are" if len(works) > 1 else "size that works is"
    listed = " and ".join(f"{c.height} x {c.width}" for c in works)
    nearest = min(works, key=lambda c: abs(c.height - given.height) + abs(c.width - given.width))
    return f"the nearest {which} {listed}{every}", nearest


def _made(path: Path, options: Options, image: Image) -> Network | None:
    """The network for a size, if it is valid."""
    most = min(options.max_layers, MOST_LAYERS)
    return analyse_file(path, Report(), replace(options, input=image, max_layers=most))


def _candidates(given: Image, heights: Lengths, widths: Lengths) -> Sequence[Image]:
    """The next smaller and the next larger size; a side that works already is kept."""
    sides = [_around(given.height, heights), _around(given.width, widths)]
    pairs: Iterable[tuple[int | None, int | None]] = zip(*sides, strict=True)
    found = [Image(given.channels, h, w) for h, w in pairs if h is not None and w is not None]
    return list(dict.fromkeys(image for image in found if image != given))


def _around(length: int, lengths: Lengths) -> tuple[int | None, int | None]:
    if length in lengths:
        return length, length
    below, above = lengths.below(length), lengths.above(length)
    return below or above, above or below
