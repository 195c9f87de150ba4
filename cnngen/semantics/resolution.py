"""The resolution: a spec together with what its names mean."""

from dataclasses import dataclass, field

from cnngen.expressions.expression import Name
from cnngen.ops.base import Op
from cnngen.semantics.keys import Arrangement, arrange
from cnngen.syntax.tree import ArgumentValue, Block, Body, Call, Identifier, Spec, Step


@dataclass(slots=True, eq=False)
class Resolution:
    """A spec with what its names mean.

    `ops` has the op of each call of an op, `blocks` the block of each call of a block; `arguments`
    all attributes of an op (`defaults` and the op's own filled in) or what a call gives to a block.
    `order` lists the blocks that the model uses, each after those that it uses itself. `captured`
    are the model's parameters that a block depends on, `training` the stages that exist in training
    only. `meant` is the tensor that a misspelt name certainly means: as an op or a block that is
    misspelt, it is taken for that, so that the rest can be checked. `endless` says that blocks use
    each other in a circle or nest too deep, so that there is no network.
    """

    spec: Spec
    ops: dict[Call, type[Op]] = field(default_factory=dict[Call, type[Op]])
    blocks: dict[Call, Block] = field(default_factory=dict[Call, Block])
    arguments: dict[Call, dict[str, ArgumentValue]] = field(
        default_factory=dict[Call, dict[str, ArgumentValue]]
    )
    merging: set[Step] = field(default_factory=set[Step])
    order: tuple[Block, ...] = ()
    captured: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    meant: dict[Identifier, str] = field(default_factory=dict[Identifier, str])
    training: frozenset[str] = frozenset()
    endless: bool = False
    arrangements: dict[tuple[Body, bool], Arrangement] = field(
        default_factory=dict[tuple[Body, bool], Arrangement]
    )

    def arrangement(self, body: Body, *, block: bool = False) -> Arrangement:
        key = (body, block)
        if key not in self.arrangements:
            self.arrangements[key] = arrange(body, block=block, merging=self.merging)
        return self.arrangements[key]

    def tensors(self, call: Call) -> dict[str, Identifier]:
        """The tensors that a call of a block hands over besides its input."""
        given = {argument.name.text: argument for argument in call.arguments}
        values = self.arguments.get(call, {})
        return {
            parameter.name.text: Identifier(
                value.name, value.span or given[parameter.name.text].name.span
            )
            for parameter in (self.blocks[call].parameters if call in self.blocks else ())
            if parameter.type == "tensor" and parameter.name.text in given
            if isinstance(value := values.get(parameter.name.text), Name)
        }

    def reads(self, step: Step) -> list[str]:
        """The names of the tensors that a step reads."""
        names = [step.origin.text] if step.origin else []
        tensors = self.tensors(step).values() if isinstance(step, Call) else ()
        return names + [name.text for name in tensors]
