"""Check: what can only be seen on the whole graph of layers."""

from collections.abc import Set

from cnngen.diagnostics.model import Label, Report
from cnngen.ops.base import UNKNOWN
from cnngen.semantics.areas import Areas, Size
from cnngen.semantics.network import CHANGED, Layer, Network
from cnngen.semantics.walk import calls, steps
from cnngen.syntax.tree import BranchLoop, Call, Stage

POOL = "use `global_avg_pool` or `adaptive_avg_pool` before `flatten`"
NAMED_BRANCHES = "give each branch a name of its own: `branches: {small: [...], large: [...]}`"


def check_network(network: Network, report: Report) -> None:
    """Report layers whose output nothing reads, layers that would share a name in Keras, and sizes
    that generated code cannot know.
    """
    if not any(tensor.shape is UNKNOWN for tensor in network.stages.values()):
        _check_reached(network, report)
        _check_read_for_size(network, report)
    _check_names(network, report)
    _check_norms(network, report)
    areas = Areas(network)
    in_branches = _in_loops_of_branches(network)
    for site, sizes in areas.varying():
        help = NAMED_BRANCHES if in_branches.intersection(site.path) else POOL
        _report_sizes(site.path[0], "the iterations of a loop", sizes, report, help)
    chosen = network.resolution.block_uses.chosen
    for block in (block for block in network.resolution.order if block in chosen):
        for site in areas.arguments(block).values():  # which the other blocks do not take
            where = f"uses of `{block.name.text}`, which a parameter may be"
            _report_sizes(site.path[-1], where, areas.sizes(site), report, POOL)
    _check_parameters(network, report)


def _in_loops_of_branches(network: Network) -> set[Call]:
    resolution = network.resolution
    stages = (stage.body for stage in resolution.spec.stages)
    return {
        call
        for body in (*stages, *(block.body for block in resolution.order))
        for step in steps(body)
        if isinstance(step, BranchLoop)
        for call in calls(step.loop.body)
    }


def _report_sizes(flatten: Call, where: str, sizes: Set[Size], report: Report, help: str) -> None:
    report.add(
        "varying-size",
        f"the size that is flattened here differs between {where}",
        flatten.callee.span,
        f"it is {' and '.join(f'{height} x {width}' for height, width in sorted(sizes))}",
        help=help,
    )


def _check_parameters(network: Network, report: Report) -> None:
    """Note which parameters cannot be arguments of the generated code, so that changing them takes
    another build.
    """
    for parameter in network.resolution.spec.parameters:
        name = parameter.name.text
        changed = network.fixed.get(name)
        if changed is None:
            continue
        again = f"build with `--set {name}=...`"
        pool = ", or use `global_avg_pool` before `flatten`" if changed == "size" else ""
        report.add(
            "fixed-parameter",
            f"`{name}` {CHANGED[changed]}, so only `--set` can change it",
            parameter.name.span,
            help=again + pool,
        )


def _check_norms(network: Network, report: Report) -> None:
    """Report norms over a single value: the value is its own mean, so the result is always 0."""
    for layer in network.layers.values():
        shape = layer.inputs[0].shape
        if layer.op.together(shape) != 1:
            continue
        if report.has("constant-norm", layer.span):
            continue
        alone = "one value in each group; PyTorch refuses a single image"
        if "groups" not in layer.op.attributes:
            alone = "one value at each position"
        report.add(
            "constant-norm",
            f"what `{layer.op.name}` gives depends on no input: it makes 0 of {alone}",
            layer.span,
            f"the input here is {shape}",
            notes=layer.scope.trail(),
            help="normalize more values together, or remove it",
        )


def _check_reached(network: Network, report: Report) -> None:
    """Report layers that lead to no output, and layers that always exist but lead to outputs of
    training only. Of a chain of such layers, the last one is reported.
    """
    training = network.training_stages()
    reached = _reached(network, set(network.outputs.values()))
    always = _reached(network, set(network.outputs.values()) - training)
    dead = {
        path
        for path, layer in network.layers.items()
        if path not in (reached if layer.training else always)
    }
    for each in network.resolution.spec.inputs:
        name = each.name.text
        if name not in always and dead.isdisjoint(network.graph.successors(name)):
            training_only = "outside of training, " if name in reached else ""
            report.add(
                "unreachable-stage",
                f"{training_only}nothing reads the input `{name}`",
                each.name.span,
                help=f"read it with `from: {name}`, or remove it",
            )
    live = {_stage(path) for path in network.layers.keys() - dead}
    spec = network.resolution.spec
    stages = {stage.name.text: stage for stage in spec.stages}
    for path, layer in network.layers.items():
        if path not in dead or not dead.isdisjoint(network.graph.successors(path)):
            continue
        stage = stages[_stage(path)]
        name, maps = stage.name.text, network.lists.get(stage.name.text, ())
        item = next((i for i, x in enumerate(maps) if x.path == path), None)
        if item is not None and name in live:
            report.add(
                "unreachable-stage",
                f"nothing reads `{name}[{item}]`",
                layer.span,
                secondary=[Label(stage.name.span, "the list of maps")],
                help=f'read it by `from: "{name}[{item}]"`, or leave it out of the list',
            )
        elif name in live:
            report.add(
                "unreachable-stage",
                f"nothing reads what `{layer.op.name}` gives",
                layer.span,
                help="remove it, or let the step behind it read its input",
            )
        else:
            _report_stage(stage, path in reached, network, report)


def _report_stage(stage: Stage, trains: bool, network: Network, report: Report) -> None:
    name = stage.name.text
    add = ", ".join(f"{n}: {s}" for n, s in [*network.outputs.items(), (name, name)][-10:])
    read = "" if stage.training else f"read it with `from: {name}`, "
    report.add(
        "unreachable-stage",
        f"{'outside of training, ' if trains else ''}nothing reads what `{name}` gives",
        stage.name.span,
        help=f"{read}write `outputs: {{{add}}}`, or remove it",
    )


def _check_read_for_size(network: Network, report: Report) -> None:
    """Report layers with weights of whose output only the height and the width are read: PyTorch
    has the weights, and Keras, which knows the size, does not. Of a stage, the last is reported.
    """
    outputs = set(network.outputs.values())
    sized = _reached(network, outputs) - _reached(network, outputs, sizes=False)
    reported: set[str] = set()
    for path, layer in reversed(network.layers.items()):
        if path in sized and layer.weights and _stage(path) not in reported:
            reported.add(_stage(path))
            report.add(
                "unreachable-stage",
                f"only the size of what `{path}` gives is read, so its weights do nothing",
                layer.span,
                notes=layer.scope.trail(),
                help="let something read its maps, or take the size from what it reads itself",
            )


def _reached(network: Network, stages: Set[str], *, sizes: bool = True) -> set[str]:
    """The paths of all layers on which what these stages give depends; with or without those of
    which only the size is read.
    """
    waiting = [network.stages[stage].path for stage in stages]
    reached: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            layer = network.layers.get(path)
            if layer and layer.op.sized_like and not sizes:
                waiting.append(layer.inputs[0].path)
            else:
                waiting.extend(network.graph.predecessors(path))
    return reached


def _stage(path: str) -> str:
    return path.split(".")[0]


def _check_names(network: Network, report: Report) -> None:
    """Keras names have `_` in the place of the `.` of a path; no two paths may become one name:
    those of layers, and of parts that are used again, which are models.
    """
    paths: dict[str, Layer] = {}
    for path, layer in network.layers.items():
        if not layer.shares:
            keys = path.split(".")
            around = (
                (".".join(keys[: i + 1]) for i in range(len(keys) - 1)) if network.parts else ()
            )
            for part in around:
                if part in network.parts:
                    paths.setdefault(part, layer)
            paths[path] = layer
    names: dict[str, str] = {}
    inputs = network.resolution.spec.inputs
    given = {each.name.text: each.name.span for each in inputs} if len(inputs) > 1 else {}
    for path, layer in paths.items():
        if (name := path.replace(".", "_")) in given:
            report.add(
                "name-clash",
                f"the input `{name}` and the layer `{path}` would both be `{name}` in Keras",
                layer.span,
                secondary=[Label(given[name], "the input")],
                help="rename the input, a stage, a step or a branch",
            )
        other = names.setdefault(path.replace(".", "_"), path)
        if other != path:
            report.add(
                "name-clash",
                f"`{other}` and `{path}` would both be `{path.replace('.', '_')}` in Keras",
                layer.span,
                secondary=[Label(paths[other].span, "the other layer")]
                if paths[other].span != layer.span
                else (),
                help="rename a stage, a step or a branch",
            )
