"""Analysis: the passes in their order, from a file to a checked network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cnngen.diagnostics.model import Report
from cnngen.ops.base import Shape
from cnngen.semantics.check import check_network
from cnngen.semantics.definitions import gather_unknown
from cnngen.semantics.elaborate import MAX_LAYERS, elaborate
from cnngen.semantics.key_clashes import check_keys
from cnngen.semantics.kinds import check_kinds
from cnngen.semantics.nesting import check_nesting
from cnngen.semantics.network import Network
from cnngen.semantics.overrides import check_overrides
from cnngen.semantics.references import check_references
from cnngen.semantics.resolve import resolve
from cnngen.semantics.settings import apply_settings, chosen_inputs
from cnngen.semantics.shared import find_shared
from cnngen.semantics.stages import check_stages, find_training_stages
from cnngen.semantics.uses import order_blocks, trace_parameters
from cnngen.syntax.load import Reader, load, read_file
from cnngen.syntax.tree import Spec


@dataclass(frozen=True, slots=True)
class Options:
    """What a command line may change: parameters by name (as text), the shapes of inputs by name
    (`input` for the only one), the limit of layers, and how files are read. `lenient` lets branches
    of different sizes be joined, to find out for which inputs their sizes are equal.
    """

    settings: Mapping[str, str]
    inputs: Mapping[str, Shape] = field(default_factory=dict[str, Shape])
    max_layers: int = MAX_LAYERS
    reader: Reader = read_file
    lenient: bool = False


DEFAULTS = Options({})


def analyse_file(
    path: Path, report: Report, options: Options = DEFAULTS, reader: Reader | None = None
) -> Network | None:
    """Read and check a spec; None where it has errors."""
    spec = load(path, report, reader=reader or options.reader)
    return analyse(spec, report, options) if spec else None


def analyse(spec: Spec, report: Report, options: Options = DEFAULTS) -> Network | None:
    """Check a spec; None where it has errors."""
    spec = apply_settings(spec, options.settings, report, options.inputs)
    resolution = resolve(spec, report)
    check_keys(resolution, report)
    check_nesting(spec, report)
    order_blocks(resolution, report)
    check_overrides(spec, report)
    trace_parameters(resolution, report)
    find_training_stages(resolution)
    find_shared(resolution, report)
    gather_unknown(report)
    check_references(resolution, report)
    check_kinds(resolution, report)
    check_stages(resolution, report)
    network = elaborate(
        resolution,
        report,
        inputs=chosen_inputs(spec, options.inputs, report),
        max_layers=options.max_layers,
        lenient=options.lenient,
    )
    if network is None:
        return None
    if not report.failed:
        check_network(network, report)
    return None if report.failed else network
