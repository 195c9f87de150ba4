"""Results: what was published of a network's accuracy, from the YAML nodes of `results`."""

import re

from cnngen.diagnostics.model import Report
from cnngen.syntax.forms import RESULT
from cnngen.syntax.parse_value import check_keys, mapping, parse_text, require_keys, wrong_kind
from cnngen.syntax.tree import Result
from cnngen.syntax.yaml_nodes import Broken, Node, Scalar, Sequence, is_null

EXAMPLES = {  # of what each result must have
    "dataset": "dataset: ImageNet",
    "top1": "top1: 77.15",
    "source": 'source: "https://arxiv.org/abs/1512.03385, Table 3"',
}
EXAMPLE = "write `results: [{dataset: ..., top1: ..., source: ...}]`"
PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


def parse_results(node: Node | None, report: Report) -> tuple[Result, ...]:
    """The results of this network alone: a spec that extends it has its own."""
    match node:
        case Sequence(items):
            results = [_parse_result(item, report) for item in items]
            return tuple(result for result in results if result)
        case None:
            return ()
        case _:
            if not is_null(node):
                wrong_kind(node, "`results` must be a list", report, EXAMPLE)
            return ()


def _parse_result(node: Node, report: Report) -> Result | None:
    result = mapping(node, "a result", report, EXAMPLE)
    if result is None:
        return None
    result = check_keys(result, RESULT, "a result", report)
    require_keys(result, EXAMPLES, "a result", result.span, report)
    part = {key.text: value for key, value in result.entries}
    dataset, source = (_required_text(part.get(key), key, report) for key in ("dataset", "source"))
    protocol = parse_text(part["protocol"], "`protocol`", report) if "protocol" in part else ""
    top1 = _percent(part["top1"], "top1", report) if "top1" in part else None
    top5 = part.get("top5")
    fifth = None if top5 is None or is_null(top5) else _percent(top5, "top5", report)
    if top5 and top1 is not None and fifth is not None and fifth < top1:
        report.add(
            "out-of-range",
            "`top5` is at least `top1`: what is right at once is among the first five",
            top5.span,
            help="write per cent of images that are right, not errors",
        )
    return None if top1 is None else Result(dataset, top1, fifth, protocol, source)


def _required_text(node: Node | None, key: str, report: Report) -> str:
    text = parse_text(node, f"`{key}`", report) if node else ""
    if isinstance(node, Scalar) and not node.text.strip():
        wrong_kind(node, f"`{key}` must be a text", report, f"write, say, `{EXAMPLES[key]}`")
    return text


def _percent(node: Node, key: str, report: Report) -> float | None:
    help = f"write per cent, say, `{key}: 77.15`"
    match node:
        case Scalar(text) if PERCENT.fullmatch(text.strip()):
            if 0 < float(text) <= 100:
                return float(text)
            report.add("out-of-range", f"`{key}` must be above 0 and at most 100", node.span)
        case Scalar():
            report.add("wrong-type", f"`{key}` must be a number", node.span, help=help)
        case Broken():
            pass
        case _:
            wrong_kind(node, f"`{key}` must be a number", report, help)
    return None
