"""What the network is given, from the YAML nodes of `input` or `inputs`: images and vectors."""

import re

from cnngen.diagnostics.model import Edit, Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.ops.base import UNKNOWN, Image, Vector
from cnngen.source import Span
from cnngen.syntax.parse_value import check_keys, mapping, parse_new_name, wrong_kind
from cnngen.syntax.tree import Identifier, Input
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief

SIDES = ("channels", "height", "width")
FEATURES = "features"  # of a vector, in place of the sides
ONLY = "input"  # what the only input is called
LARGEST_SIDE = 2**31 - 1
MOST_INPUTS = 100
EXAMPLE = "{channels: 3, height: 224, width: 224}"
SEVERAL = f"inputs: {{left: {EXAMPLE}, right: {EXAMPLE}}}"


def parse_inputs(root: Mapping, start: Span, report: Report) -> tuple[Input, ...]:
    """The inputs of a spec, at least one; of unknown shape where that cannot be read."""
    params = root.get("params")
    for key, value in root.entries:
        if key.text == "inputs" and not _is_image(value):
            return _parse_several(key, value, params, report)
        if key.text == "input" and _has_names(value):
            message = "`input` is a single one, and has no names"
            _report_number(key, message, "inputs", report)
            return _parse_several(key, value, params, report)
        if key.text == "input":
            return (_parse_input(Identifier(ONLY, value.span), value, params, report),)
        if key.text == "inputs":
            message = "`inputs` are several, each under a name"
            _report_number(key, message, "input", report)
            return (_parse_input(Identifier(ONLY, value.span), value, params, report),)
    return (Input(Identifier(ONLY, start), UNKNOWN, start),)


def _is_image(node: Node) -> bool:
    """Whether this has the sides of an input, and not inputs with names."""
    known = (*SIDES, FEATURES)
    entries = node.entries if isinstance(node, Mapping) else ()
    return bool(entries) and all(
        key.text in known and isinstance(value, Scalar) for key, value in entries
    )


def _has_names(node: Node) -> bool:
    entries = node.entries if isinstance(node, Mapping) else ()
    return bool(entries) and all(isinstance(value, Mapping) for _, value in entries)


def _report_number(key: Scalar, message: str, meant: str, report: Report) -> None:
    edit = Edit(key.span, meant)
    report.add("wrong-kind", message, key.span, help=f"did you mean `{meant}`?", fix=(edit,))


def _parse_several(
    key: Scalar, node: Node, params: Node | None, report: Report
) -> tuple[Input, ...]:
    inputs = mapping(node, "`inputs`", report, f"write `{SEVERAL}`")
    unread = (Input(Identifier("", node.span), UNKNOWN, node.span),)
    if inputs is None:
        return unread
    given = inputs.entries
    if len(given) < 2:
        texts = [value.span.text for _, value in given if isinstance(value, Mapping)]
        only = next((text for text in texts if brief(text) == text), EXAMPLE)
        report.add(
            "wrong-kind",
            f"`inputs` has {'a single input' if given else 'no inputs'}",
            key.span,
            help=f"write `input: {only}`, without a name",
        )
        return unread
    if len(given) > MOST_INPUTS:
        report.add(
            "too-large",
            f"there are more than {MOST_INPUTS} inputs",
            given[MOST_INPUTS][0].span,
            help="give the network several of them as the channels of one",
        )
    read = (
        _parse_input(parse_new_name(name, "input", report), value, params, report)
        for name, value in given[:MOST_INPUTS]
    )
    return (*read, *(unread if len(given) > MOST_INPUTS else ()))


def _parse_input(name: Identifier, node: Node, params: Node | None, report: Report) -> Input:
    what, example = f"`{brief(name.text)}`", f"write `{brief(name.text)}: {EXAMPLE}`"
    sides = mapping(node, what, report, example)
    if sides is None:
        return Input(name, UNKNOWN, node.span)
    sides = check_keys(sides, (*SIDES, FEATURES), what, report)
    given = {key.text: value for key, value in sides.entries}
    wanted = (FEATURES,) if FEATURES in given else SIDES
    for key, _ in sides.entries:
        if FEATURES in given and key.text in SIDES:
            report.add(
                "unknown-key",
                f"{what} has `features`, so it is a vector and has no `{key.text}`",
                key.span,
                help="leave one of the two out",
            )
    if missing := [side for side in wanted if side not in given]:
        listed = " and ".join(f"`{side}`" for side in missing)
        report.add("missing-key", f"{what} lacks {listed}", sides.span, help=example)
    numbers = [_parse_side(given[side], side, params, report) for side in wanted if side in given]
    parameter = _parameter(given.get(wanted[0]), params)
    match [number for number in numbers if number is not None]:
        case [features] if wanted == (FEATURES,):
            return Input(name, Vector(features, (features,)), sides.span, parameter)
        case [channels, height, width]:
            return Input(name, Image(channels, height, width), sides.span, parameter)
        case _:
            return Input(name, UNKNOWN, sides.span, parameter)


def _parameter(node: Node | None, params: Node | None) -> str | None:
    """The parameter that says how many channels or features there are."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    return text if isinstance(params, Mapping) and params.get(text) is not None else None


def _parse_default(node: Scalar, default: Node, side: str, report: Report) -> int | None:
    """The number that a parameter says."""
    own = Report()
    found = _parse_side(default, side, None, own)
    if found is None:
        report.add(
            "wrong-type",
            f"`{side}` must be a whole number, and the default of `{brief(node.text)}` is none"
            " above 0",
            node.span,
            secondary=[Label(default.span, "this default")],
            help=f"give it a number for a default, such as `{brief(node.text.strip())}: 3`",
        )
    return found


def _parse_side(node: Node, side: str, params: Node | None, report: Report) -> int | None:
    """The number of a side: of channels and features that of a parameter, if one stands there. A
    height or width is no parameter, but one that stands there by mistake is read.
    """
    if not isinstance(node, Scalar):
        wrong_kind(node, f"`{side}` must be a whole number", report)
        return None
    text = node.text.strip()
    meant = params.get(text) if isinstance(params, Mapping) else None
    if meant is not None and side in (SIDES[0], FEATURES):
        return _parse_default(node, meant, side, report)
    if not re.fullmatch(r"-?[0-9]{1,20}", text) or re.match(r"-?0[0-9]", text):
        known = [key.text for key, _ in params.entries] if isinstance(params, Mapping) else []
        close = suggest(text, known) if side in (SIDES[0], FEATURES) else None
        example = {"channels": 3, FEATURES: 100}.get(side, 224)
        help = f"write, say, `{side}: {example}`"
        if side in (SIDES[0], FEATURES):
            help += ", or the name of a parameter"
        elif meant is not None:
            help += ": the models take images of other sizes, too"
        report.add(
            "wrong-type",
            f"`{side}` must be a whole number",
            node.span,
            help=f"did you mean `{close}`?" if close else help,
            fix=respell(node.span, close, known),
        )
        if isinstance(meant, Scalar):
            return _parse_side(meant, side, None, Report())
    elif not 1 <= int(text) <= LARGEST_SIDE:
        report.add(
            "out-of-range", f"`{side}` must be at least 1 and at most {LARGEST_SIDE}", node.span
        )
    else:
        return int(text)
    return None
