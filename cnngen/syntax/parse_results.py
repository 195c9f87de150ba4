"""Results: what was published of a network's accuracy, from the YAML nodes of `results`."""

import re

from cnngen.diagnostics.model import Report
from cnngen.syntax.forms import RESULT
from cnngen.syntax.metrics import METRICS, MOST, SHARE, Metric
from cnngen.syntax.parse_value import check_keys, mapping, parse_text, require_keys, wrong_kind
from cnngen.syntax.tree import Result
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence, is_null

EXAMPLES = {  # of what each result must have, beside a metric
    "dataset": "dataset: ImageNet",
    "source": 'source: "https://arxiv.org/abs/1512.03385, Table 3"',
}
EXAMPLE = "write `results: [{dataset: ..., top1: ..., source: ...}]`"
NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")


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
    values = _parse_values(result, report)
    return Result(dataset, values, protocol, source) if values else None


def _parse_values(result: Mapping, report: Report) -> dict[str, float]:
    """Of each metric of a result; without one, an unknown key may be what was meant."""
    measured = {
        key.text: node for key, node in result.entries if key.text in METRICS and not is_null(node)
    }
    if not measured and all(key.text in RESULT for key, _ in result.entries):
        help = f"add, say, `top1: 77.15`; the metrics are {', '.join(METRICS)}"
        report.add("missing-key", "a result lacks what was measured", result.span, help=help)
    found = {name: _parse_value(node, name, report) for name, node in measured.items()}
    values = {name: value for name, value in found.items() if value is not None}
    if "top1" in values and (fifth := values.get("top5", MOST)) < values["top1"]:
        report.add(
            "out-of-range",
            "`top5` is at least `top1`: what is right at once is among the first five",
            measured["top5"].span,
            help="write per cent that are right, not errors: for this one"
            f" `top5: {round(MOST - fifth, 6):g}`",
        )
    return {name: values[name] for name in METRICS if name in values}


def _required_text(node: Node | None, key: str, report: Report) -> str:
    text = parse_text(node, f"`{key}`", report) if node else ""
    if isinstance(node, Scalar) and not node.text.strip():
        wrong_kind(node, f"`{key}` must be a text", report, f"write, say, `{EXAMPLES[key]}`")
    return text


def _parse_value(node: Node, key: str, report: Report) -> float | None:
    metric = METRICS[key]
    help = f"write {metric.unit}, say, `{key}: {metric.example:g}`"
    match node:
        case Scalar(text) if NUMBER.fullmatch(text.strip()):
            value = float(text)
            if 0 < value <= MOST:
                _doubt_share(node, value, key, metric, report)
                return value
            limits = f"above 0 and at most {MOST:g}"
            report.add("out-of-range", f"`{key}` must be {limits}", node.span)
        case Scalar():
            report.add("wrong-type", f"`{key}` must be a number", node.span, help=help)
        case Broken():
            pass
        case _:
            wrong_kind(node, f"`{key}` must be a number", report, help)
    return None


def _doubt_share(node: Node, value: float, key: str, metric: Metric, report: Report) -> None:
    if metric.per_cent and value < SHARE:
        meant = f"{round(100 * value, 6):g}"
        report.add(
            "unlikely-value",
            f"`{key}` is in per cent: {value:g} is less than one in a hundred",
            node.span,
            help=f"write `{key}: {meant}` if this is a share of 1",
        )
