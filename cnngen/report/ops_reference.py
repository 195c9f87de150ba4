"""The reference of the ops: an overview, a text about each, and all of it in Markdown."""

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import Any

from cnngen.diagnostics.suggest import suggest
from cnngen.ops import OPS
from cnngen.ops.attribute import LARGEST, Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.report.support import all_ops, init_support, op_support
from cnngen.report.table import Table, markdown
from cnngen.semantics.attributes import describe

INTRODUCTION = """\
# Ops

<!-- Written by `cnngen ops --format markdown`: change the ops, not this page. -->

An op is a step of a spec: `conv: {out: 64, kernel: 3}`, or just `relu` where every attribute has
a default. Joins are no steps: they stand behind the `join` of `branches`. The `defaults` of a spec
change those given here.
"""


def overview() -> str:
    """All ops by group, each with its attributes as a spec writes them."""
    lines: list[str] = []
    for group, names in all_ops().items():
        width = max(map(len, names))
        lines += ["", f"{group}:"] if lines else [f"{group}:"]
        lines += [f"  {name:<{width}}  {_signature(OPS[name])}".rstrip() for name in names]
    return "\n".join([*lines, "", "`cnngen ops NAME` says more about one of them", ""])


def describe_op(name: str) -> str | None:
    """Everything about one op, for a terminal; None where there is none of this name."""
    op = OPS.get(name)
    if op is None:
        return None
    parts = [f"{name} ({op.group})\n", _text(op)]
    if op.attributes:
        parts.append("\n".join(_described(op)) + "\n")
    if any(attribute.kind == "init" for attribute in op.attributes.values()):
        parts.append("init is one of " + _wrapped(INITIALIZERS))
    parts.append("".join(f"{line}\n" for line in _support_lines(name)))
    return "\n".join(parts)


def nearest(name: str) -> str | None:
    """The op whose name is nearest to an unknown one."""
    return suggest(name, OPS)


def reference() -> str:
    """All ops as one page in Markdown."""
    parts = [INTRODUCTION]
    for group, names in all_ops().items():
        parts.append(f"## {group.capitalize()}\n")
        for name in names:
            parts += [f"### `{name}`\n", _text(OPS[name])]
            if OPS[name].attributes:
                parts.append(markdown(_attributes(OPS[name])))
    parts += ["## Initial distributions\n", _initializers()]
    parts += ["## Support\n", *_support_table()]
    return "\n".join(parts)


def _signature(op: type[Op]) -> str:
    """`out, kernel, stride: 1`."""
    return ", ".join(
        name if attribute.required else f"{name}: {_default(attribute)}"
        for name, attribute in op.attributes.items()
    )


def _text(op: type[Op]) -> str:
    """The docstring of an op, without its indentation."""
    lines = (op.__doc__ or "").strip().splitlines()
    return "".join(f"{line.strip()}\n" for line in lines)


def _described(op: type[Op]) -> Iterator[str]:
    """Two lines for each attribute: what it means, and the values that it takes."""
    width = max(map(len, op.attributes))
    for name, attribute in op.attributes.items():
        default = "required" if attribute.required else f"default {_default(attribute)}"
        facts = [describe(attribute).replace("`", ""), _range(attribute), default]
        yield f"  {name:<{width}}  {attribute.about}"
        yield f"  {'':<{width}}  ({'; '.join(fact for fact in facts if fact)})"


def _attributes(op: type[Op]) -> Table:
    """A row for each attribute."""
    rows = [
        (
            f"`{name}`",
            describe(attribute),
            "required" if attribute.required else f"`{_default(attribute)}`",
            _range(attribute),
            attribute.about,
        )
        for name, attribute in op.attributes.items()
    ]
    return Table(("attribute", "value", "default", "range", "meaning"), rows)


def _wrapped(words: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in wrap(", ".join(words), 85))


def _default(attribute: Attribute[Any]) -> str:
    """A default as a spec would write it."""
    match attribute.default:
        case None:
            return "null"
        case bool():
            return str(attribute.default).lower()
        case value:
            return str(value).replace("e-0", "e-")


def _range(attribute: Attribute[Any]) -> str:
    """The bounds of each number in a value."""
    low, high, above = attribute.minimum, attribute.maximum, attribute.above
    bounds = [f"above {above:g}"] if above is not None else []
    bounds += [f"at least {low:g}"] if low is not None else []
    if high is not None and high != LARGEST:
        bounds.append(f"at most {high:g}" if high < 1000 else f"at most {high}")
    return ", ".join(bounds)


def _initializers() -> str:
    rows = [
        (
            f"`{word}`",
            ", ".join(f"`{a.name}: {_default(a)}` ({a.about})" for a in initializer.arguments),
            initializer.about,
        )
        for word, initializer in INITIALIZERS.items()
    ]
    return markdown(Table(("word", "arguments and their defaults", "meaning"), rows))


def _support_lines(name: str) -> Iterator[str]:
    for target, support in op_support(name).items():
        yield f"{target}: {support}"


def _support_table() -> Iterator[str]:
    """Each op and distribution by target; the reasons follow below."""
    cells = {f"`{name}`": op_support(name) for names in all_ops().values() for name in names}
    cells |= {f"init `{word}`": init_support(word) for word in INITIALIZERS}
    targets = list(next(iter(cells.values())))
    notes: list[str] = []
    rows: list[tuple[str, ...]] = []
    for name, support in cells.items():
        words = [str(support[target]).split(":")[0] for target in targets]
        rows.append((name, *words))
        notes += [
            f"* {name} in {target}: {'; '.join(support[target].limits)}\n"
            for target in targets
            if support[target].limits
        ]
    yield markdown(Table(("op", *targets), rows))
    if notes:
        yield "Partly means that some uses are refused:\n"
        yield "".join(notes)
