"""Variables: what the symbols of a program are called in the constructor of one class."""

from collections.abc import Generator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from cnngen.expressions.algebra import substitute
from cnngen.expressions.expression import Expression, Name
from cnngen.plan.program import Bind, Call, JoinLoop, Loop, Region, Unit, regions
from cnngen.python import nodes
from cnngen.syntax.naming import BUILT_IN, KEYWORDS, snake_case
from cnngen.targets.torch.names import OURS, called

CHANNELS = "channels"
NOTHING: Mapping[str, str] = MappingProxyType({})


class Names:
    """Gives names that nothing else has."""

    def __init__(self, taken: AbstractSet[str]) -> None:
        self.taken = set(taken)
        self.given: list[str] = []

    def free(self, name: str) -> str:
        """This name or, where it is taken, the next one with a number."""
        free, count = name, 2
        while free in self.taken:
            free, count = f"{name}_{count}", count + 1
        self.taken.add(free)
        self.given.append(free)
        return free

    @contextmanager
    def passing(self) -> Generator[None]:
        """The names that are given inside are free again behind it."""
        count = len(self.given)
        yield
        self.taken.difference_update(self.given[count:])
        del self.given[count:]


@dataclass(frozen=True, slots=True)
class Variables:
    """`symbols` has what each symbol is called, `instances` the variable of each block that is
    asked for its channels, and `repeated` that of each expression that has one; `channels` are all
    variables of channels, `lists` those that are lists of them, and `walked` those of loops, for
    the channels of the maps of a list. Others are `new`.
    """

    symbols: dict[str, Expression]
    instances: dict[str, str]
    channels: set[str]
    names: Names
    repeated: dict[Expression, Expression] = field(default_factory=dict[Expression, Expression])
    lists: set[str] = field(default_factory=set[str])
    walked: set[str] = field(default_factory=set[str])

    def new(self, name: str) -> nodes.Name:
        return nodes.Name(self.names.free(name))

    def put(self, asked: Name, attribute: str) -> None:
        """Let a block that is asked for its channels be an attribute instead of a variable."""
        before, channels = self.symbols[asked.name], Name(f"{attribute}.out_channels")
        assert isinstance(before, Name)
        self.symbols[asked.name] = channels
        self.lists.update({channels.name} if before.name in self.lists else ())

    def resolve(self, expression: Expression) -> Expression:
        """An expression whose symbols have their names in Python."""
        return substitute(expression, self.symbols, None)


def allocate(
    bodies: Sequence[Region], authors: AbstractSet[str], ours: Mapping[str, str] = NOTHING
) -> Variables:
    """Name the symbols in bodies that stand in one constructor. `authors` are the names of the
    author, and `ours` has the arguments that other symbols are.
    """
    taken = OURS | BUILT_IN | KEYWORDS | {"x", *map(called, authors), *ours.values()}
    symbols: dict[str, Expression] = {
        name: Name(called(name)) for name in authors if called(name) != name
    }
    symbols |= {symbol: Name(argument) for symbol, argument in ours.items()}
    found = Variables(symbols, {}, set(), Names(taken))
    used = Names(taken)
    for body in bodies:
        _allocate(body, used, found)
    found.names.taken |= used.taken | found.channels
    return found


def _allocate(region: Region, names: Names, found: Variables) -> None:
    moved: set[str] = set()
    for node in region.nodes:
        match node:
            case Bind(Name(symbol), channels, moves=True):
                moved.add(symbol)
                found.symbols[symbol] = found.resolve(channels)
            case Bind(Name(symbol)):
                variable = names.free(CHANNELS)
                found.channels.add(variable)
                found.lists.update({variable} if node.listed else ())
                found.symbols[symbol] = Name(variable)
            case Call(asked=Name(symbol)) if isinstance(node.layer.made, Unit):
                unit = node.layer.made
                instance = names.free("layer" if node.layer.chosen else snake_case(unit.name))
                found.instances[symbol] = instance
                channels = Name(f"{instance}.out_channels")
                found.symbols[symbol] = channels
                found.lists.update({channels.name} if node.gives.listed else ())
            case Loop() | JoinLoop():
                for walked in node.walks:
                    if walked.symbol is not None and walked.symbol.name not in found.symbols:
                        found.walked.add(_name_list(walked.symbol, names, found))
                if node.collected is not None:
                    variable = _name_list(node.collected, names, found)
                    found.channels.add(variable)
                    found.lists.add(variable)
            case _:
                pass
        for inner in regions(node):
            _allocate(inner, names, found)
        if isinstance(node, Loop) and node.variable and node.gives.channels != node.variable:
            variable = found.symbols[node.variable.name]
            if isinstance(variable, Name) and node.variable.name not in moved:
                names.taken.discard(variable.name)  # nothing reads it any more


def _name_list(symbol: Name, names: Names, found: Variables) -> str:
    """Name the symbol for the channels of a list, or of its maps one after the other."""
    variable = names.free(symbol.name.rstrip(" 0123456789").replace(" ", "_"))
    found.symbols[symbol.name] = Name(variable)
    return variable
