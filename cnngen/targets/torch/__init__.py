"""The PyTorch target: a network -> its program -> classes -> the text of a Python file."""

from collections.abc import Sequence
from pathlib import Path

from cnngen.plan.in_place import InPlace, find_in_place
from cnngen.plan.lower import lower
from cnngen.python.printer import printed
from cnngen.semantics.network import Network
from cnngen.targets.page import module_docstring
from cnngen.targets.records import file_records
from cnngen.targets.rendered import Rendered, placed
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.chosen import asked_units
from cnngen.targets.torch.common import find_common
from cnngen.targets.torch.initial_weights import find_rules, init_weights
from cnngen.targets.torch.limits import LIMITS
from cnngen.targets.torch.model import model_class
from cnngen.targets.torch.names import author_names
from cnngen.targets.torch.page import model_page, outputs_page, unit_page
from cnngen.targets.torch.scope import File
from cnngen.targets.torch.units import unit_class

__all__ = ["LIMITS", "render", "rendered"]


def render(
    network: Network,
    settings: Sequence[str] = (),
    folders: Sequence[Path] = (),
    *,
    in_place: bool = True,
) -> str:
    """The PyTorch source of a network; `settings` are what `--set` changed, `folders` have
    templates that come first. With `in_place`, layers overwrite what nobody else reads.
    """
    return rendered(network, settings, folders, in_place=in_place).text


def rendered(
    network: Network,
    settings: Sequence[str] = (),
    folders: Sequence[Path] = (),
    *,
    in_place: bool = True,
) -> Rendered:
    """The source, and which of its lines were made from which step."""
    speller = Speller("torch", folders)
    speller.imports("torch", "nn")
    speller.imports("torch", "Tensor")
    records = file_records(network.resolution)
    speller.taken = author_names(network.resolution) | records.names
    speller.define(records)
    program = lower(network)
    overwriting = find_in_place(program) if in_place else InPlace()
    functions = frozenset(speller.functions())
    common = find_common(program, speller)
    file = File(
        network, speller, find_rules(network), functions, overwriting, common, asked_units(program)
    )
    for unit in program.units:
        file.classes[unit] = unit_class(unit, file)
    model = model_class(program, file)
    if model.outputs.are_named:
        speller.imports("typing", "NamedTuple")
    units = [unit_page(made, file) for made in file.classes.values()]
    init = init_weights(file.rules, speller)
    classes = printed([*units, model_page(model, file)])
    text = speller.page(
        docstring=module_docstring(network, settings),
        outputs=printed([outputs_page(model.outputs)] if model.outputs.are_named else []).text,
        classes=classes.text,
        functions=printed([init] if init else []).text,
    )
    return placed(text, [classes])
