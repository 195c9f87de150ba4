"""Uses: which block uses which, and on which of the model's parameters each depends."""

from collections.abc import Collection, Iterator, Mapping

import networkx as nx

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.expressions.algebra import free_names
from cnngen.semantics.cycles import find_cycle
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import calls, nested_bodies, steps
from cnngen.source import Span
from cnngen.syntax.tree import Block, Body, Call, Parameter, Step

MODEL = ""
DEEPEST = 100  # steps and blocks inside each other; passes recurse through them


def order_blocks(resolution: Resolution, report: Report) -> None:
    """Put the blocks in order of use; report blocks that use each other in a circle."""
    spec = resolution.spec
    uses: nx.DiGraph[str] = nx.DiGraph()
    uses.add_nodes_from((*spec.blocks, MODEL))
    chosen = resolution.block_uses.steps
    for user, body in _bodies(resolution):
        for call in calls(body):
            for block in resolution.called(call):
                if not uses.has_edge(user, block.name.text):
                    given = resolution.block_uses.given_at(block) if call in chosen else None
                    uses.add_edge(user, block.name.text, at=call.callee.span, given=given)
    for user, parameters in _owners(resolution):
        for parameter in parameters:  # whose type names all the blocks that it may be
            for block in resolution.block_uses.candidates.get(parameter, ()):
                if not uses.has_edge(user, block.name.text):
                    given = resolution.block_uses.given_at(block)
                    uses.add_edge(user, block.name.text, at=parameter.name.span, given=given)
    if _find_recursion(uses, report):
        resolution.endless = True
        return
    blocks = [name for name in nx.dfs_postorder_nodes(uses, MODEL) if name != MODEL]
    resolution.order = tuple(spec.blocks[name] for name in blocks)
    resolution.endless = _nests_too_deep(resolution, report)


def _bodies(resolution: Resolution) -> Iterator[tuple[str, Body]]:
    """The bodies of a spec, each with the name of its block."""
    for stage in resolution.spec.stages:
        yield MODEL, stage.body
    for name, block in resolution.spec.blocks.items():
        yield name, block.body


def _owners(resolution: Resolution) -> Iterator[tuple[str, tuple[Parameter, ...]]]:
    """The parameters of a spec, with the name of the block that they are of."""
    yield MODEL, resolution.spec.parameters
    for name, block in resolution.spec.blocks.items():
        yield name, block.parameters


def _find_recursion(uses: "nx.DiGraph[str]", report: Report) -> bool:
    edges = find_cycle(uses)
    if edges is None:
        return False
    at: Span = uses.edges[edges[-1]]["at"]
    given: Span | None = uses.edges[edges[-1]]["given"]
    circle = " -> ".join([edges[0][0], *(callee for _, callee in edges)])
    report.add(
        "recursion",
        f"`{edges[-1][0]}` uses itself" if len(edges) == 1 else "blocks use each other in a circle",
        at,
        secondary=[Label(given, f"the parameter may be `{edges[-1][1]}`")] if given else [],
        notes=[circle] if 1 < len(edges) <= 10 else [],
        help="a block cannot contain itself; write the levels out, or use `repeat` or `each`",
    )
    return True


def _nests_too_deep(resolution: Resolution, report: Report) -> bool:
    """Whether blocks and steps are nested too deep, which is reported."""
    levels: dict[str, int] = {}

    def depth(step: Step) -> int:
        if isinstance(step, Call):
            return 1 + max((levels[b.name.text] for b in resolution.called(step)), default=0)
        return 1 + max((depth(inner) for body in nested_bodies(step) for inner in body), default=0)

    stages = ((MODEL, stage.body) for stage in resolution.spec.stages)
    for name, body in (*((block.name.text, block.body) for block in resolution.order), *stages):
        deepest = max(body, key=depth, default=None)
        levels[name] = depth(deepest) if deepest else 0
        if deepest and levels[name] > DEEPEST:
            report.add(
                "too-large",
                f"blocks and steps stand more than {DEEPEST} deep in each other",
                deepest.span,
                help="use `repeat` or `each`, or fewer blocks",
            )
            return True
    return False


def trace_parameters(resolution: Resolution, report: Report) -> None:
    """Find which of the model's parameters each block depends on, and report what has no effect."""
    spec = resolution.spec
    ranks = {parameter.name.text: i for i, parameter in enumerate(spec.parameters)}
    found = _captured(resolution, ranks.keys())
    for name, names in found.items():
        resolution.captured[name] = tuple(sorted(names, key=ranks.__getitem__))
    if resolution.endless or report.failed:  # what seems unused may only be misspelt
        return
    _report_unused_blocks(resolution, report)
    used = {n for s in spec.stages for n in _dependencies(s.body, resolution, found)}
    used |= {each.parameter for each in spec.inputs if each.parameter}
    _report_unused("the network", spec.parameters, used, resolution, report)
    for block in resolution.order:
        used = _dependencies(block.body, resolution, found)
        used |= {name.text for step in steps(block.body) for name in resolution.reads(step)}
        used |= _given_to_all(block, resolution)
        _report_unused(f"`{block.name.text}`", block.parameters, used, resolution, report)
    _report_unread_maps(resolution, report)


def _report_unread_maps(resolution: Resolution, report: Report) -> None:
    """Report maps that a loop walks through for nothing: a step that should read them does not."""
    for loop, walked in resolution.walked.items():
        read = {name.text for step in steps(loop.body) for name in resolution.reads(step)}
        for name, _ in loop.lists:
            unread = name.text in walked and name.text not in read
            if unread and name.span.source is resolution.spec.span.source:
                report.add(
                    "unused-parameter",
                    f"nothing in this loop reads `{name.text}`",
                    name.span,
                    help=f"begin its steps with `from: {name.text}`, hand it to a block, or remove"
                    " it",
                )


def _captured(resolution: Resolution, parameters: Collection[str]) -> dict[str, set[str]]:
    """The parameters of the model on which each block depends. Blocks of which a parameter is one
    are made in one way, so that all of them are handed what one of them needs.
    """
    found: dict[str, set[str]] = {block.name.text: set() for block in resolution.order}
    groups = [
        [block.name.text for block in group if block.name.text in found]
        for group in resolution.block_uses.groups
    ]
    while True:
        before = {name: set(names) for name, names in found.items()}
        for block in resolution.order:
            own = _dependencies(block.body, resolution, found) & {*parameters}
            found[block.name.text] |= own
        for group in groups:
            shared = set[str]().union(*(found[name] for name in group))
            found |= {name: set(shared) for name in group}
        if found == before or not groups:
            return found


def _dependencies(body: Body, resolution: Resolution, found: Mapping[str, set[str]]) -> set[str]:
    """The names in the expressions of a body, and those on which the blocks that it uses depend."""
    names: set[str] = set()
    for step in steps(body):
        names |= {name for part in resolution.expressions(step) for name in free_names(part)}
        for block in resolution.called(step) if isinstance(step, Call) else ():
            names |= found.get(block.name.text, set())
    return names


def _given_to_all(block: Block, resolution: Resolution) -> set[str]:
    """What a block is given where it is one of several, of which it need not use all."""
    uses = resolution.block_uses
    chosen = (call for call in uses.steps if block in (found := uses.may_be(call)) and found[1:])
    return {argument.name.text for call in chosen for argument in call.arguments}


def _report_unused_blocks(resolution: Resolution, report: Report) -> None:
    spec = resolution.spec
    used = {call.callee.text for _, body in _bodies(resolution) for call in calls(body)}
    used |= {block.name.text for group in resolution.block_uses.groups for block in group}
    extended = [n for n, b in spec.blocks.items() if b.name.span.source is not spec.span.source]
    for name, block in spec.blocks.items():
        if name not in used and block.name.span.source is spec.span.source:
            near = suggest(name, extended)
            report.add(
                "unused-block",
                f"no step uses the block `{name}`",
                block.name.span,
                help=f"did you mean `{near}`, as in the spec that this extends?"
                if near
                else f"use it: `- {name}`, or remove it",
            )


def _report_unused(
    whose: str,
    parameters: tuple[Parameter, ...],
    used: set[str],
    resolution: Resolution,
    report: Report,
) -> None:
    for parameter in parameters:
        name = parameter.name
        if name.text not in used and name.span.source is resolution.spec.span.source:
            report.add(
                "unused-parameter",
                f"nothing in {whose} depends on `{name.text}`",
                name.span,
                help="use it, or remove it",
            )
