"""Answer: everything that `cnngen sizes` says about a network."""

from collections.abc import Mapping
from dataclasses import dataclass

from cnngen.expressions.algebra import mentions_input
from cnngen.ops.base import Shape
from cnngen.semantics.network import Network
from cnngen.semantics.walk import expressions, steps
from cnngen.sizes.find import Exploration, Sizes, explore
from cnngen.sizes.outputs import Output, outputs


@dataclass(frozen=True, slots=True)
class Answer:
    """The sizes that a built network takes in inference and in training, and its outputs.

    `compiled` are the sizes that `--input` can have: the weights of the network that is then made
    fit them. It is None where it was not derived, because the spec reads the number of flattened
    features.

    Of several images, all change together; `alone` is what a built network takes of each while the
    others stay as they are. Where they are not of one size, or there is none, nothing is known but
    that.
    """

    name: str
    inputs: Mapping[str, Shape]
    built: Sizes | None
    trained: Sizes | None
    compiled: Sizes | None
    alone: Mapping[str, Sizes]
    outputs: tuple[Output, ...]


def answer(network: Network) -> Answer:
    """The answer for a checked network."""
    exploration = explore(network)
    moves = bool(exploration.moving)
    built = exploration.built() if moves else None
    several = network.images if len(network.inputs) > 1 else ()
    return Answer(
        network.resolution.spec.name.text,
        network.inputs,
        built,
        exploration.trained() if moves else None,
        exploration.compiled() if moves and not reads_sizes(exploration) else None,
        {name: explore(network, [name]).built() for name in several},
        tuple(outputs(exploration, built)),
    )


def reads_sizes(exploration: Exploration) -> bool:
    """Whether the layers themselves may depend on the size of the input.

    Heights and widths are not in the language, but behind a `flatten`, `input.channels` depends on
    them.
    """
    spec = exploration.network.resolution.spec
    if not exploration.course.flattens():
        return False
    bodies = [stage.body for stage in spec.stages] + [block.body for block in spec.blocks.values()]
    return any(
        mentions_input(expression)
        for body in bodies
        for step in steps(body)
        for expression in expressions(step)
    ) or any(mentions_input(e) for call in spec.defaults.values() for e in expressions(call))
