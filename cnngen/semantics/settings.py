"""Settings: parameters of the model that `--set` gives another default."""

from collections.abc import Mapping
from dataclasses import replace

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import suggest
from cnngen.source import Source, Span
from cnngen.syntax.expression_parser import parse_expression
from cnngen.syntax.tree import Parameter, Spec


def apply_settings(spec: Spec, settings: Mapping[str, str], report: Report) -> Spec:
    """The spec with other defaults; a setting of what is no parameter is reported."""
    if not settings:
        return spec
    parameters = {parameter.name.text: parameter for parameter in spec.parameters}
    for name, text in settings.items():
        source = Source("--set", f"{name}={text}")
        if name not in parameters:
            guess = suggest(name, parameters)
            listed = ", ".join(f"`{known}`" for known in parameters)
            report.add(
                "unknown-parameter",
                f"`{spec.name.text}` has no parameter `{name}`",
                Span(source, 0, len(name)),
                help=f"did you mean `{guess}`?" if guess else f"it has {listed or 'none'}",
            )
            continue
        span = Span(source, len(name) + 1, len(source.text))
        if value := parse_expression(text, span, report):
            parameters[name] = _with_default(parameters[name], value)
    return replace(spec, parameters=tuple(parameters.values()))


def _with_default(parameter: Parameter, value: object) -> Parameter:
    return replace(parameter, default=value)  # type: ignore[arg-type]
