"""Settings: parameters of the model that `--set` gives another default."""

from collections.abc import Mapping
from dataclasses import replace

from cnngen.diagnostics.model import Report
from cnngen.expressions.parser import parse_expression
from cnngen.semantics.definitions import guess, listed
from cnngen.source import Source, Span
from cnngen.syntax.parse_parameters import is_constant, parse_parameter
from cnngen.syntax.read import read
from cnngen.syntax.tree import Parameter, Spec


def apply_settings(spec: Spec, settings: Mapping[str, str], report: Report) -> Spec:
    """The spec with other defaults; a setting of what is no parameter is reported."""
    if not settings:
        return spec
    parameters = {parameter.name.text: parameter for parameter in spec.parameters}
    for name, text in settings.items():
        source = Source("--set", f"{name}={text}")
        if name not in parameters:
            close = guess(name, parameters, report)
            known = f"it has {listed(parameters, 'and') or 'none'}"
            report.add(
                "unknown-parameter",
                f"`{spec.name.text}` has no parameter `{name}`",
                Span(source, 0, len(name)),
                help=f"did you mean `{close}`?" if close else known,
            )
            continue
        if "{" in text:
            parameters[name] = _with_records(parameters[name], text, report)
            continue
        span = Span(source, len(name) + 1, len(source.text))
        value = parse_expression(text, span, report)
        if value is not None and is_constant(value, report):
            parameters[name] = replace(parameters[name], default=value)
    return replace(spec, parameters=tuple(parameters.values()))


def _with_records(parameter: Parameter, text: str, report: Report) -> Parameter:
    """A parameter with records for a default, which YAML reads."""
    root = read(Source("--set", f"{parameter.name.text}: {text}"), report)
    node = root.get(parameter.name.text) if root else None
    if node is None:
        return parameter
    given = parse_parameter(parameter.name, node, False, report)
    return replace(parameter, default=given.default) if given.is_sound else parameter
