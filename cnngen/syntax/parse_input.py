"""The sizes of the input, from the YAML nodes of `input`."""

import re

from cnngen.diagnostics.model import Report
from cnngen.syntax.parse_value import check_keys, mapping, wrong_kind
from cnngen.syntax.tree import Input
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar

SIDES = ("channels", "height", "width")
LARGEST_SIDE = 2**31 - 1


def parse_input(node: Node, params: Node | None, report: Report) -> Input:
    example = "write `input: {channels: 3, height: 224, width: 224}`"
    sides = mapping(node, "`input`", report, example)
    if sides is None:
        return Input(0, 0, 0, node.span)
    sides = check_keys(sides, SIDES, "`input`", report)
    given = {key.text: value for key, value in sides.entries}
    if missing := [side for side in SIDES if side not in given]:
        listed = " and ".join(f"`{side}`" for side in missing)
        report.add("missing-key", f"`input` lacks {listed}", sides.span, help=example)
    numbers = [_parse_side(given[side], side, params, report) for side in SIDES if side in given]
    found = [number for number in numbers if number is not None]
    channels, height, width = found if len(found) == len(SIDES) else (0, 0, 0)
    return Input(channels, height, width, sides.span)


def _parse_side(node: Node, side: str, params: Node | None, report: Report) -> int | None:
    """The number of a side. Where a parameter stands there by mistake, gives the attribute for
    which it stands.
    """
    if not isinstance(node, Scalar):
        wrong_kind(node, f"`{side}` must be a whole number", report)
        return None
    text = node.text.strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", text) or re.match(r"-?0[0-9]", text):
        example = 3 if side == "channels" else 224
        report.add(
            "wrong-type",
            f"`{side}` must be a whole number",
            node.span,
            help=f"write, say, `{side}: {example}`",
        )
        meant = params.get(text) if isinstance(params, Mapping) else None
        if isinstance(meant, Scalar):
            return _parse_side(meant, side, None, Report())
    elif not 1 <= int(text) <= LARGEST_SIDE:
        report.add(
            "out-of-range", f"`{side}` must be at least 1 and at most {LARGEST_SIDE}", node.span
        )
    else:
        return int(text)
    return None
