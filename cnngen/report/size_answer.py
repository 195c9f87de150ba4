"""The answer of `cnngen sizes` as text for people, and as data for programs."""

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from cnngen.ops.base import Image
from cnngen.report.summary import input_fields
from cnngen.semantics.network import INPUT
from cnngen.sizes.answer import Answer
from cnngen.sizes.find import Sizes
from cnngen.sizes.limits import Kind, Limit
from cnngen.sizes.outputs import Output, View
from cnngen.sizes.sets import Lengths, in_words


def as_text(answer: Answer) -> str:
    """A line for each fact."""
    rows: list[tuple[str, str]] = []
    images = [name for name, x in answer.inputs.items() if isinstance(x, Image)]
    if answer.built and answer.trained:
        together = f", the same for {' and '.join(images)}" if len(images) > 1 else ""
        rows.append(("sizes", _words(answer.built) + together))
        rows += [("because", line) for line in _reasons(answer.built.because)]
        rows += [("tied", _tie(path)) for path in answer.built.tied]
        if _lengths(answer.trained) != _lengths(answer.built):
            rows.append(("in training", _words(answer.trained)))
        if answer.compiled is None:
            rows.append(("with --input", "not derived: the spec reads `input.channels`"))
        elif _lengths(answer.compiled) != _lengths(answer.trained):
            rows.append(("with --input", _words(answer.compiled)))
    elif not images:
        rows.append(("sizes", "none, as no input is an image"))
    if len(images) > 1:
        rows += [(f"{name} alone", _words(answer.alone[name])) for name in images]
    for output in answer.outputs:
        name = "output" if len(answer.outputs) == 1 else f"output {output.name}"
        rows += [(name, _shape(output.shape)), *_viewed(output, images)]
    width = max(len(name) for name, _ in rows)
    given = [
        str(shape) if name == INPUT else f"{name} {shape}" for name, shape in answer.inputs.items()
    ]
    head = f"{answer.name}, made for {', '.join(given)}\n"
    return head + "".join(f"  {name:<{width}}  {text}\n" for name, text in rows)


def as_dict(answer: Answer) -> dict[str, Any]:
    """What `cnngen sizes --format json` prints of a spec."""
    found = {
        "name": answer.name,
        **input_fields({name: shape.dimensions for name, shape in answer.inputs.items()}),
        "sizes": _sizes(answer.built),
        "training": _sizes(answer.trained),
        "compiled": _sizes(answer.compiled),
    }
    if answer.alone:
        found["alone"] = {name: _sizes(sizes) for name, sizes in answer.alone.items()}
    several = len(answer.inputs) > 1
    return found | {"outputs": {x.name: _output(x, several=several) for x in answer.outputs}}


def _words(sizes: Sizes) -> str:
    return in_words(sizes.height, sizes.width)


def _lengths(sizes: Sizes) -> tuple[Lengths, Lengths]:
    return sizes.height, sizes.width


def _reasons(limits: Iterable[Limit]) -> list[str]:
    """The limits in words; layers with the same limit share a line."""
    at: dict[tuple[str, Kind], list[int]] = {}
    for limit in limits:
        at.setdefault((limit.path, limit.kind), [0, 0])[limit.axis] = limit.at
    layers: dict[str, dict[str, None]] = {}
    for limit in limits:
        layer = f"`{limit.path}`" + ("" if limit.op in limit.path else f" ({limit.op})")
        layers.setdefault(_reason(limit.kind, at[limit.path, limit.kind]), {})[layer] = None
    return [f"{', '.join(found)}: {reason}" for reason, found in layers.items()]


def _reason(kind: Kind, at: list[int]) -> str:
    size = " x ".join(str(n or "any") for n in at)
    match kind:
        case "small":
            return "nothing is left of smaller ones"
        case "uneven":
            return f"takes only multiples of {size}"
        case "equal":
            return "joins maps that otherwise differ in size"
        case "gate":
            return "joins maps that otherwise differ in size, and are no gates"
        case "several":
            return "takes no maps of 1 x 1"
        case "weights":
            return f"has weights for maps of {size}"
        case "single":
            return f"takes only maps of {size}"
        case _:
            assert_never(kind)


def _tie(path: str) -> str:
    return f"at `{path}`, heights depend on widths: each holds for the other as it is"


def _viewed(output: Output, images: Sequence[str]) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    seen = {(view, name in output.whole) for name, view in output.views.items()}
    alike = len(seen) == 1 and len(output.views) == len(images)
    for name, view in [*output.views.items()][: 1 if alike else None]:
        of = "" if alike else f" of {name}"
        if view.path != output.path and view.shape != output.shape:
            rows.append((f"last maps{of}", f"{_shape(view.shape)}, from `{view.path}`"))
        high, wide = map(str, view.strides)
        rows.append((f"total stride{of}", high if high == wide else f"{high} x {wide}"))
        rows.append((f"receptive field{of}", _field(name in output.whole, view)))
    return rows


def _field(whole: bool, view: View) -> str:
    windows = f"{view.fields[0]} x {view.fields[1]}"
    if view.whole:
        return f"the whole image; through windows alone {windows}"
    return f"{windows}, then the whole image" if whole else windows


def _shape(shape: tuple[str, ...]) -> str:
    if len(shape) == 1:
        return shape[0]
    return " x ".join(f"({side})" if _is_compound(side) else side for side in shape)


def _is_compound(side: str) -> bool:
    """Whether a formula needs brackets where it is part of a product."""
    return len(side.split(" ")) > 1 and not side.startswith(("floor(", "ceil(", "["))


def _sizes(sizes: Sizes | None) -> dict[str, Any] | None:
    return sizes and {
        "text": _words(sizes),
        "height": _set(sizes.height),
        "width": _set(sizes.width),
        "because": [
            {"path": limit.path, "op": limit.op, "axis": ("height", "width")[limit.axis]}
            for limit in sizes.because
        ],
        "tied": list(sizes.tied),
    }


def _set(lengths: Lengths) -> dict[str, Any]:
    return {
        "ranges": [list(ends) for ends in lengths.ranges],
        "from": lengths.start if lengths.residues else None,
        "period": lengths.period if lengths.residues else None,
        "residues": list(lengths.residues),
        "tried": lengths.tried,
    }


def _output(output: Output, *, several: bool) -> dict[str, Any]:
    """What is said of the only image stands as it is, that of several by their names."""
    maps = {name: _maps(view) for name, view in output.views.items()}
    whole = sorted(output.whole)
    return {
        "shape": list(output.shape),
        "whole_image": whole if several else bool(whole),
        "maps": maps if several else next(iter(maps.values()), None),
    }


def _maps(view: View) -> dict[str, Any]:
    return {
        "path": view.path,
        "shape": list(view.shape),
        "stride": [str(stride) for stride in view.strides],
        "receptive_field": list(view.fields),
        "whole_image": view.whole,
    }
