"""The graph of stages: which stage reads which, and whether an order of computation exists."""

from collections.abc import Iterator, Mapping

import networkx as nx

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.semantics.cycles import find_cycle
from cnngen.semantics.definitions import guess, listed
from cnngen.semantics.explanations.part_references import is_part
from cnngen.semantics.network import INPUT
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import takes_input
from cnngen.syntax.tree import Identifier, ListName, Spec, Stage


def check_stages(resolution: Resolution, report: Report) -> None:
    """Report cycles, stages read before they are computed, wrong outputs and misused training
    stages.
    """
    spec = resolution.spec
    _check_entries(spec, report)
    by_name = {stage.name.text: stage for stage in spec.stages}
    graph: nx.DiGraph[str] = nx.DiGraph()
    for reader, name in _reads(resolution):
        graph.add_edge(name.text, reader.name.text, name=name)
    for previous, stage in _successions(spec):
        if not graph.has_edge(previous, stage.name.text):
            graph.add_edge(previous, stage.name.text, name=stage.name)
    if _check_cycle(graph, report):
        return
    order = {name: i for i, name in enumerate(by_name)}
    for reader, name in _reads(resolution):
        stage = by_name.get(name.text)
        if stage and order[name.text] > order[reader.name.text]:
            report.add(
                "later-stage",
                f"`{reader.name.text}` reads `{name.text}`, which comes later",
                name.span,
                secondary=[Label(stage.name.span, "defined here")],
                help=f"move `{reader.name.text}` behind `{name.text}`",
            )
        elif stage and stage.training:
            report.add(
                "bad-training-stage",
                f"`{name.text}` exists in training only, so no stage can read it",
                name.span,
                secondary=[Label(stage.name.span, "this stage")],
                help="read a stage that exists always",
            )
    _check_outputs(spec, by_name, report)
    _check_lists(resolution, by_name, report)


def _check_entries(spec: Spec, report: Report) -> None:
    """Report stages that would read the input where there are several."""
    names = [each.name.text for each in spec.inputs]
    if len(names) == 1:
        return
    for previous, stage in _successions(spec):
        if previous == INPUT:
            name = stage.name.text
            report.add(
                "missing-key",
                f"there are several inputs, and `{name}` does not say which it reads",
                stage.name.span,
                help=f"let it begin with {listed([f'from: {each}' for each in names])}",
            )


def first_origin(stage: Stage) -> Identifier | None:
    """The tensor that a stage names with `from`, at its head or in its first step."""
    return stage.origin or (stage.body[0].origin if stage.body else None)


def takes_previous(stage: Stage) -> bool:
    """Whether a stage reads the output of the stage before it."""
    return not stage.origin and takes_input(stage.body)


def output_stages(spec: Spec) -> dict[str, str]:
    """The stage of each output, by the name of the output: those that the spec lists, or else the
    last stage that does not exist in training only.
    """
    always = [stage.name.text for stage in spec.stages if not stage.training]
    named = {name.text: stage.text for name, stage in spec.outputs}
    return named or {name: name for name in always[-1:]}


def find_training_stages(resolution: Resolution) -> None:
    """Find the stages that exist in training only: those that the spec marks, and those that
    nothing else reads.
    """
    spec, read = resolution.spec, read_stages(resolution)
    heads = {stage.name.text for stage in spec.stages if stage.training}
    always = _leading_to(set(output_stages(spec).values()) - heads, read)
    resolution.training = frozenset(heads | (_leading_to(heads, read) & read.keys()) - always)


def read_stages(resolution: Resolution) -> dict[str, tuple[str, ...]]:
    """The stages (and `input`) that each stage reads: the one before it, and those by name."""
    read: dict[str, list[str]] = {stage.name.text: [] for stage in resolution.spec.stages}
    for previous, stage in _successions(resolution.spec):
        read[stage.name.text].append(previous)
    for stage, name in _reads(resolution):
        read[stage.name.text].append(name.text)
    return {name: tuple(names) for name, names in read.items()}


def _leading_to(stages: set[str], read: Mapping[str, tuple[str, ...]]) -> set[str]:
    """These stages, and all that they depend on."""
    found, waiting = set[str](), [*stages]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(read.get(name, ()))
    return found


def kept_stages(resolution: Resolution) -> frozenset[str]:
    """The stages (and `input`) that something else than the next stage reads, so that their tensors
    need a name in a program.

    Stages that exist in training only are computed last, so that they read even the stage just
    before them by name.
    """
    lists = resolution.carried.stages
    read = {
        name.text
        for _, name in _reads(resolution)
        if not isinstance(name, ListName) or name.text in lists
    }
    pairs, heads = _successions(resolution.spec), resolution.training
    return frozenset(read | {previous for previous, stage in pairs if stage.name.text in heads})


def _successions(spec: Spec) -> Iterator[tuple[str, Stage]]:
    """The stages that read what comes before them without naming it, each with the name of that: a
    stage, or `input`.
    """
    previous = INPUT
    for stage in spec.stages:
        if takes_previous(stage):
            yield previous, stage
        if not stage.training:
            previous = stage.name.text


def _reads(resolution: Resolution) -> Iterator[tuple[Stage, Identifier]]:
    """Each stage with each name that it reads."""
    for stage in resolution.spec.stages:
        if stage.origin:
            yield stage, stage.origin
        yield from ((stage, name) for name in resolution.read_outside(stage.body))


def _check_cycle(graph: "nx.DiGraph[str]", report: Report) -> bool:
    cycle = find_cycle(graph)
    if cycle is None:
        return False
    names: list[Identifier] = [graph.edges[edge]["name"] for edge in cycle]
    explicit = [n for (source, _), n in zip(cycle, names, strict=True) if n.text == source]
    circle = " -> ".join([cycle[0][0], *(target for _, target in cycle)])
    report.add(
        "cycle",
        f"`{cycle[0][0]}` reads its own output"
        if len(cycle) == 1
        else "stages wait for each other",
        (explicit or names)[0].span,
        notes=[circle] if 1 < len(cycle) <= 10 else [],
        help="let `from` name a stage that comes before",
    )
    return True


def _check_lists(resolution: Resolution, by_name: dict[str, Stage], report: Report) -> None:
    """Report an output that would be a list of maps."""
    at = {stage.text: name.span for name, stage in resolution.spec.outputs}
    items = {each.text for _, each in resolution.spec.outputs if isinstance(each, ListName)}
    for name in output_stages(resolution.spec).values():
        stage = by_name.get(name)
        if stage is not None and name in resolution.carried.stages - items:
            report.add(
                "wrong-type",
                f"`{name}` gives a list of maps, and an output is one",
                at.get(name, stage.name.span),
                help=f'join them, or let a stage read each of them: `first: {{from: "{name}[0]"}}`',
            )


def _check_outputs(spec: Spec, by_name: dict[str, Stage], report: Report) -> None:
    inference = False
    for _, name in spec.outputs if spec.stages else ():
        stage = by_name.get(name.text)
        if stage is not None and isinstance(name, ListName):
            report.add(
                "wrong-kind",
                f"an output is what a whole stage gives, and `{name.written}` is not",
                name.whole,
                secondary=[Label(stage.name.span, f"the stage `{name.text}`")],
                help="let the output name a stage that reads it:"
                f' `last: {{from: "{name.written}"}}`',
            )
        if stage is None and not is_part(name):
            close = guess(name.text, by_name, report)
            report.add(
                "unknown-stage",
                f"there is no stage `{name.text}`",
                name.span,
                help=f"did you mean `{close}`?" if close else f"there are {listed(by_name, 'and')}",
                fix=respell(name.span, close, by_name),
            )
        inference = inference or stage is None or not stage.training
    if spec.stages and spec.outputs and not inference:
        report.add(
            "bad-training-stage",
            "no output is left in inference",
            spec.outputs[0][1].span,
            help="add a stage to `outputs` that does not exist in training only",
        )
    if spec.stages and all(stage.training for stage in spec.stages):
        report.add(
            "bad-training-stage",
            "every stage exists in training only",
            spec.stages[0].name.span,
            help="remove `when: training` from the stages of the network itself",
        )
