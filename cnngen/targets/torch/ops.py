"""Ops: the expression that makes the module of one, with its initial weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cnngen.expressions.expression import Expression
from cnngen.ops.base import Op
from cnngen.python.construct import call
from cnngen.python.nodes import Node
from cnngen.semantics.network import Rank
from cnngen.semantics.types import Types
from cnngen.syntax.tree import ArgumentValue, Call
from cnngen.targets.spelling import spelling
from cnngen.targets.torch.initial_weights import drawn
from cnngen.targets.torch.scope import File
from cnngen.targets.torch.spell import spell
from cnngen.targets.torch.use import Use
from cnngen.targets.values import attribute_values, mapped


@dataclass(frozen=True, slots=True)
class MadeOp:
    """An op with what is known where it stands: the types of the names there, and by `resolve`
    what they are called. `channels` are those of its input.
    """

    op: type[Op]
    arguments: Mapping[str, ArgumentValue]
    step: Call
    channels: Expression
    rank: Rank
    file: File
    types: Types
    resolve: Callable[[Expression], Expression]
    in_place: bool = False

    def plain(self) -> Node:
        """The module, with the initial weights that PyTorch draws."""
        with spelling(self.step):
            values = attribute_values(self.op, self.arguments, self.types)
            return spell(
                Use(
                    self.op,
                    {name: mapped(value, self.resolve) for name, value in values.items()},
                    self.channels,
                    self.rank,
                    self.file.speller,
                    in_place=self.in_place,
                    common=self.file.common.get(self.op, {}),
                )
            )

    def initialized(self) -> Node:
        """The module with the initial weights of the spec, but for those that all of its kind have
        in common.
        """
        plain, speller = self.plain(), self.file.speller
        draw = drawn(self.step, self.arguments, self.file.rules, self._node, speller)
        return plain if draw is None else call(speller.use("initialized"), plain, *draw)

    def _node(self, expression: Expression) -> Node:
        return self.file.speller.node(self.resolve(expression))
