"""Values of attributes as a person writes them: one number for a pair, `half` for a padding."""

from collections.abc import Sequence
from typing import Any, cast

from cnngen.foreign.graph import Node
from cnngen.ops.attribute import Attribute
from cnngen.recovery.columns import Column

EITHER = "0 or half"  # the padding of a window of one pixel


def written(rows: Sequence[Node], name: str) -> Column | None:
    """The values that nodes of one op have of an attribute; None where all have its default."""
    attribute = rows[0].op.attributes[name]
    column = tuple(_spelled(node.op.values.get(name), attribute) for node in rows)
    if attribute.kind == "padding" and all(map(_is_half, rows)):
        small = all(node.op.values["kernel"] == (1, 1) for node in rows)
        column = (EITHER if small else "half",) * len(rows)
    default = None if attribute.required else _spelled(attribute.default, attribute)
    if {*column} == {default}:
        return None
    return column


def _spelled(value: Any, attribute: Attribute[Any]) -> Any:
    if attribute.kind not in ("size", "padding") or not isinstance(value, tuple):
        return value
    sizes = cast("tuple[int, ...]", value)
    if len({*sizes}) == 1:
        return sizes[0]
    if attribute.kind == "padding" and (sizes[0], sizes[2]) == (sizes[1], sizes[3]):
        return sizes[0], sizes[2]
    return sizes


def _is_half(node: Node) -> bool:
    """Whether the padding of a window is half of it on each side."""
    values = node.op.values
    kernel, padding = values.get("kernel"), values.get("padding")
    if not isinstance(kernel, tuple) or not isinstance(padding, tuple):
        return False
    windows = cast("tuple[int, int]", kernel)
    dilation = values.get("dilation", (1, 1))
    if any(k % 2 == 0 for k in windows):
        return False
    half = [d * (k - 1) // 2 for k, d in zip(windows, dilation, strict=True)]
    return padding == (half[0], half[0], half[1], half[1])
