"""A frame: the function that is being written, and what its variables are called."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count

from cnngen.expressions.expression import Expression
from cnngen.plan.program import Call, Program
from cnngen.python.nodes import Name, Node, Subscript
from cnngen.syntax.tree import Block, Identifier, ListName, Stage, Step
from cnngen.syntax.tree import Call as CallStep
from cnngen.targets.keras.forms import Form
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.use import Common
from cnngen.targets.loops import free_index
from cnngen.targets.map_lists import list_node


@dataclass(frozen=True, slots=True)
class File:
    """What is known of the whole file: Keras' forms of calls, and of ops that are named as values,
    what the calls of each support
    function have in common, the functions that blocks become, and the names that the file needs.
    """

    program: Program
    forms: Mapping[Call, tuple[Form, ...]]
    named: Mapping[CallStep, Form]
    common: Mapping[str, Common]
    functions: Mapping[Block, str]
    needed: frozenset[str]


@dataclass(slots=True)
class Frame:
    """`taken` are the names in use; `tensors` has the variable of each tensor that can be read by
    name, `lists` that of each list of them, and `parts` that of each layer or model that is used
    again.
    """

    file: File
    scope: Scope
    taken: set[str]
    tensors: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, str] = field(default_factory=dict[str, str])
    parts: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def shared(self) -> frozenset[Stage | Step]:
        """The stages and steps that are used again."""
        return self.file.program.network.resolution.parts

    def variable(self, name: str) -> str:
        """A name that nothing else has: this one, if it is free."""
        others = chain((name, f"{name}_out"), (f"{name}_{n}" for n in count(2)))
        free = next(other for other in others if other not in self.taken)
        self.taken.add(free)
        return free

    def read(self, name: Identifier) -> Node:
        """A tensor, or one of a list."""
        if not isinstance(name, ListName) or name.index is None:
            found = self.tensors.get(name.text)
            return Name(self.lists[name.text] if found is None else found)
        return Subscript(Name(self.lists[name.text]), self.scope.node(name.index))

    def listed(self, maps: Expression) -> Node:
        """A list of tensors."""
        return list_node(
            maps,
            lambda name: Name(self.tensors[name]),
            lambda name: Name(self.lists[name]),
            self.scope.node,
        )

    @contextmanager
    def index(self, own: str | None = None) -> Generator[str]:
        """A counter for what is written inside, which may be a variable of the author's own."""
        if own:
            yield own
            return
        free = free_index(self.taken)
        self.taken.add(free)
        yield free
        self.taken.discard(free)
