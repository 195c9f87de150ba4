"""The Keras target: a network -> the text of a Python file.

The plan is lowered to Keras' forms (`depthwise.py`, `common.py`), units and the model become
functions of statement nodes (`units.py`, `model.py`), and these are printed.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cnngen.plan.lower import lower
from cnngen.python.deep_loops import split_deep_loops
from cnngen.python.nodes import Function, Number, Parameter
from cnngen.python.printer import printed
from cnngen.python.scan import words
from cnngen.python.signature import Argument
from cnngen.python.variables import names
from cnngen.semantics.network import Network
from cnngen.targets.keras.callables import parameter_argument
from cnngen.targets.keras.calls import parameter
from cnngen.targets.keras.common import find_common
from cnngen.targets.keras.construct import KERAS_TENSOR
from cnngen.targets.keras.forms import keras_forms, named_forms
from cnngen.targets.keras.frame import File
from cnngen.targets.keras.functions import (
    block_function_names,
    input_shapes,
    model_function_name,
    needed_names,
)
from cnngen.targets.keras.layer_name import layer_words
from cnngen.targets.keras.model import recursion, write_model
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.units import write_unit
from cnngen.targets.page import model_docstring, module_docstring, shapes
from cnngen.targets.records import file_records
from cnngen.targets.rendered import Rendered, placed
from cnngen.targets.spelling import Speller

SHAPES = {  # by their length: annotations, and what they are
    3: ("tuple[int | None, int | None, int]", "height, width (None for any) and channels"),
    2: ("tuple[int | None, int | None]", "height and width (None for any)"),
    1: ("tuple[int]", "number of features"),
}
HEADS_ABOUT = (
    "whether to add the heads that exist in training only, and give all outputs by name; without"
    " heads, the model loads the weights that were saved with them"
)


def render(network: Network, settings: Sequence[str] = (), folders: Sequence[Path] = ()) -> str:
    """The Keras source of a network; `settings` are what `--set` changed, `folders` have templates
    that come first.
    """
    return rendered(network, settings, folders).text


def rendered(
    network: Network, settings: Sequence[str] = (), folders: Sequence[Path] = ()
) -> Rendered:
    """The source, and which of its lines were made from which step."""
    speller = Speller("keras", folders)
    speller.imports("keras")
    speller.define(file_records(network.resolution))
    program = lower(network, open_inputs=True)
    speller.layer_words = layer_words(program)
    forms = keras_forms(program)
    named = named_forms(program)
    common = find_common([*forms.values(), *((each,) for each in named.values())], speller)
    needed = needed_names(network.resolution.spec, folders)
    functions = block_function_names(network.resolution.order, needed)
    file = File(program, forms, named, common, functions, needed | {*functions.values()})
    written = [write_unit(unit, file, speller) for unit in program.units]
    written.append(_model(network, file, speller))
    setup = printed(recursion(network, speller)).text
    parts = [printed([function]) for function in written]
    texts = [part.text for part in parts]
    lines = [line for text in speller.support.values() for line in text.splitlines()]
    read = names(written).union(*map(words, lines))
    for name in read & {"layers", "ops", KERAS_TENSOR}:
        speller.imports("keras", name)
    docstring = module_docstring(network, settings)
    return placed(speller.page(docstring=docstring, setup=setup, functions=texts), parts)


def _model(network: Network, file: File, speller: Speller) -> Function:
    """The function of the model."""
    spec = network.resolution.spec
    scope = Scope(speller, {}, file.needed)
    arguments = [parameter_argument(p, scope, file) for p in spec.parameters]
    documented = [replace(each, name=scope.called(each.name)) for each in arguments]
    extra: list[Parameter] = []
    for name, shape in input_shapes(network).items():
        annotation, about = SHAPES[len(shape)]
        extra.append(Parameter(name, annotation, Number(str(shape))))
        documented.append(Argument(name, "", None, about))
    if network.training_stages():
        extra.append(Parameter("training_heads", "bool", Number("False")))
        documented.append(Argument("training_heads", "", None, HEADS_ABOUT))
    about = model_docstring(network, shapes(network, channels_last=True), documented)
    parameters = (*(parameter(each, scope) for each in arguments), *extra)
    body = write_model(file, speller)
    name = model_function_name(spec)
    return split_deep_loops(Function(name, parameters, "keras.Model", body, about, origin=spec))
