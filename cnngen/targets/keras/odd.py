"""Sizes that are odd whatever the parameters of the model are: for these, half of a window on each
side is the padding that Keras calls "same".
"""

from cnngen.expressions.expression import Expression, ListOf
from cnngen.plan.program import Call, JoinLoop, Loop, Node, Program, Unit, walk
from cnngen.syntax.tree import Distribution, Each
from cnngen.targets.keras.values import is_always_odd

Names = frozenset[str]


def odd_names(program: Program) -> dict[Unit | None, Names]:
    """The names of odd sizes in each unit, and (None) in the model: parameters that each use gives
    so, and variables of loops over such lists.
    """
    uses: dict[Unit, list[tuple[Call, Names]]] = {}
    found: dict[Unit | None, Names] = {None: frozenset()}
    for unit in (None, *reversed(program.units)):  # whoever uses a unit comes before it
        bodies = [stage.body for stage in program.stages] if unit is None else [unit.body]
        nodes = [node for body in bodies for node in walk(body)]
        given = frozenset[str]() if unit is None else _odd_parameters(unit, uses.get(unit, []))
        found[unit] = given | _odd_variables(nodes, given)
        for node in nodes:
            if isinstance(node, Call):
                for used in node.layer.units:
                    uses.setdefault(used, []).append((node, found[unit]))
    return found


def _odd_parameters(unit: Unit, uses: list[tuple[Call, Names]]) -> Names:
    names = {parameter.name.text for parameter in unit.parameters}
    return frozenset(
        name
        for name in names
        if all(_is_odd(call.layer.arguments.get(name), odd) for call, odd in uses)
    )


def _odd_variables(nodes: list[Node], given: Names) -> Names:
    loops = [
        node.step if isinstance(node, Loop) else node.step.loop
        for node in nodes
        if isinstance(node, Loop | JoinLoop)
    ]
    heads = (loop.lists for loop in loops if isinstance(loop, Each))
    lists = [(variable.text, values) for head in heads for variable, values in head]
    odd = {name for name, values in lists if isinstance(values, ListOf) and _is_odd(values, given)}
    other = {name for name, values in lists if not _is_odd(values, given)}
    return frozenset(odd - other)


def _is_odd(value: "Expression | Distribution | None", odd: Names) -> bool:
    return not isinstance(value, Distribution | None) and is_always_odd(value, odd)
