"""Settings: parameters of the model that `--set` gives another default, and inputs that `--input`
gives another shape.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from cnngen.diagnostics.model import Report
from cnngen.expressions.evaluate import EvaluationError, Undetermined, evaluate
from cnngen.expressions.expression import Constant, Name
from cnngen.expressions.parser import parse_expression
from cnngen.ops import OPS
from cnngen.ops.base import UNKNOWN, Image, Shape, Unknown, Vector
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.explanations.given import SET
from cnngen.semantics.network import INPUT
from cnngen.semantics.parameters import WORDS, written_default
from cnngen.source import Source, Span
from cnngen.syntax.parse_input import LARGEST_SIDE
from cnngen.syntax.parse_parameters import is_constant, parse_parameter
from cnngen.syntax.parse_value import IDENTIFIER
from cnngen.syntax.read import read
from cnngen.syntax.tree import NAMED, Distribution, Input, Parameter, Spec
from cnngen.syntax.yaml_nodes import Scalar

NO_INPUTS: Mapping[str, Shape] = MappingProxyType({})


def apply_settings(
    spec: Spec, settings: Mapping[str, str], report: Report, inputs: Mapping[str, Shape] = NO_INPUTS
) -> Spec:
    """The spec with other defaults; a setting of what is no parameter is reported. What says how
    many channels an input has follows `inputs`, the shapes that others are given.
    """
    spec = _following(spec, inputs, report)
    if not settings:
        return spec
    parameters = {parameter.name.text: parameter for parameter in spec.parameters}
    for name, text in settings.items():
        source = Source(SET, f"{name}={text}")
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
        words = (*OPS, *spec.blocks)
        if "{" in text or text.strip() in words or parameters[name].type in NAMED:
            parameters[name] = _with_yaml(parameters[name], text, spec, report)
            continue
        span = Span(source, len(name) + 1, len(source.text))
        value = parse_expression(text, span, report)
        if value is not None and is_constant(value, report):
            parameters[name] = replace(parameters[name], default=value)
    return _with_parameters(spec, parameters.values(), report)


def _with_parameters(spec: Spec, parameters: Iterable[Parameter], report: Report) -> Spec:
    """The spec with other defaults, and inputs as large as these say."""
    changed = replace(spec, parameters=tuple(parameters))
    return replace(changed, inputs=tuple(_sized(each, changed, report) for each in spec.inputs))


def _following(spec: Spec, inputs: Mapping[str, Shape], report: Report) -> Spec:
    """The spec whose parameters say as many channels as the inputs have that are given."""
    said = {x.parameter: _depth(inputs[x.name.text]) for x in spec.inputs if x.name.text in inputs}
    if not said.keys() - {None}:
        return spec
    parameters = (
        replace(parameter, default=Constant(said[parameter.name.text]))
        if parameter.name.text in said
        else parameter
        for parameter in spec.parameters
    )
    return _with_parameters(spec, parameters, report)


def _depth(shape: Shape) -> int:
    return shape.channels if isinstance(shape, Image) else shape.features


def _sized(given: Input, spec: Spec, report: Report) -> Input:
    """An input with as many channels, or features, as its parameter says."""
    parameter = next((p for p in spec.parameters if p.name.text == given.parameter), None)
    default = parameter.default if parameter else None
    if parameter is None or default is None or isinstance(given.shape, Unknown):
        return given
    try:
        number = None if isinstance(default, Distribution) else evaluate(default, {})
    except (EvaluationError, Undetermined):
        return given  # which is reported where the parameters get their values
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= LARGEST_SIDE:
        report.add(
            "out-of-range",
            f"`{parameter.name.text}` must be a whole number of at least 1: an input has so many"
            " channels or features",
            default.span or parameter.name.span,
        )
        return replace(given, shape=UNKNOWN)
    if isinstance(given.shape, Vector):
        return replace(given, shape=Vector(number, (number,)))
    return replace(given, shape=replace(given.shape, channels=number))


def _with_yaml(parameter: Parameter, text: str, spec: Spec, report: Report) -> Parameter:
    """A parameter with records, an op or a block for a default, which YAML reads."""
    name = parameter.name.text
    root = read(Source(SET, f"{name}: {text}"), report)
    node = root.get(name) if root else None
    if node is None:
        return parameter
    if parameter.type in NAMED and isinstance(node, Scalar) and IDENTIFIER.fullmatch(node.text):
        return replace(parameter, default=Name(node.text, node.span))
    given = parse_parameter(parameter.name, node, False, report, spec.blocks)
    if not given.is_sound:
        return parameter
    if given.type != parameter.type and {given.type, parameter.type} & {*NAMED}:
        report.add(
            "wrong-type",
            f"`{name}` must be {WORDS[parameter.type]}, not {WORDS[given.type]}",
            node.span,
            help=f"write, say, `--set {name}={_example(parameter)}`"
            if parameter.type in NAMED
            else None,
        )
        return parameter
    return replace(parameter, default=given.default)


def _example(parameter: Parameter) -> str:
    return "relu" if parameter.type == "op" else written_default(parameter)


def chosen_inputs(spec: Spec, chosen: Mapping[str, Shape], report: Report) -> dict[str, Shape]:
    """Other shapes for inputs of a spec; what is no input, or of another kind, is reported."""
    own = {each.name.text: each for each in spec.inputs}
    found: dict[str, Shape] = {}
    for name, shape in chosen.items():
        text = input_option(name, shape)
        span = Span(Source("--input", text), 0, len(text))
        if name in own and isinstance(own[name].shape, (Unknown, type(shape))):
            found[name] = shape
            _check_depth(own[name], shape, span, report)
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


def _check_depth(own: Input, shape: Shape, span: Span, report: Report) -> None:
    """Report an input whose channels are not what a parameter says."""
    if own.parameter is None or isinstance(own.shape, Unknown):
        return
    said, given = _depth(own.shape), _depth(shape)
    if said != given:
        message = f"`{own.name.text}` has {given} channels here, and `{own.parameter}` says {said}"
        report.add("wrong-type", message, span, help="leave one of the two options out")


def input_option(name: str, shape: Shape | Unknown) -> str:
    """A shape as `--input` takes it: `3x224x224`, `depth=1x224x224`, `age=1`."""
    text = str(shape).replace(" ", "")
    return text if name == INPUT else f"{name}={text}"


def _kind(shape: Shape | Unknown) -> str:
    return "a vector" if isinstance(shape, Vector) else "an image"
