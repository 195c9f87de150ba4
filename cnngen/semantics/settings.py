"""Settings: parameters of the model that `--set` gives another default, and inputs that `--input`
gives another shape.
"""

from collections.abc import Mapping
from dataclasses import replace

from cnngen.diagnostics.model import Report
from cnngen.expressions.parser import parse_expression
from cnngen.ops.base import Shape, Unknown, Vector
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.network import INPUT
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


def chosen_inputs(spec: Spec, chosen: Mapping[str, Shape], report: Report) -> dict[str, Shape]:
    """Other shapes for inputs of a spec; what is no input, or of another kind, is reported."""
    own = {each.name.text: each for each in spec.inputs}
    found: dict[str, Shape] = {}
    for name, shape in chosen.items():
        text = input_option(name, shape)
        span = Span(Source("--input", text), 0, len(text))
        if name in own and isinstance(own[name].shape, (Unknown, type(shape))):
            found[name] = shape
        elif name in own:
            report.add(
                "wrong-kind",
                f"the input `{name}` is {_kind(own[name].shape)}, not {_kind(shape)}",
                span,
                help=f"write, say, `--input {input_option(name, own[name].shape)}`",
            )
        elif "" not in own:
            close = guess(name, own, report)
            examples = (f"--input {input_option(each, own[each].shape)}" for each in own)
            report.add(
                "unknown-parameter",
                f"`{spec.name.text}` has several inputs: say which this is"
                if name == INPUT
                else f"`{spec.name.text}` has no input `{name}`",
                span,
                help=f"did you mean `{close}`?" if close else f"write {listed([*examples])}",
            )
    return found


def input_option(name: str, shape: Shape | Unknown) -> str:
    """A shape as `--input` takes it: `3x224x224`, `depth=1x224x224`, `age=1`."""
    text = str(shape).replace(" ", "")
    return text if name == INPUT else f"{name}={text}"


def _kind(shape: Shape | Unknown) -> str:
    return "a vector" if isinstance(shape, Vector) else "an image"
