"""Facts: what is known of a value or a tensor for all values of the model's parameters at once.

A spec is checked with the defaults of its parameters, and printed for all their values. What
generated code needs to know beyond these numbers is found by data-flow analysis: each value has the
set of parameters on which it depends, and a symbol that it shares with values that are sure to be
equal (value numbering).
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cnngen.expressions.evaluate import UNDETERMINED

ParameterNames = frozenset[str]
NOTHING: ParameterNames = frozenset()
VECTOR = -1  # the symbol of the size of a vector, which has none


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that may depend on parameters.

    `value` is that for their defaults, or `UNDETERMINED`; `names` are the parameters on which it
    depends. Facts of one `symbol` are equal, whatever the parameters are.
    """

    value: Any
    names: ParameterNames
    symbol: int

    @property
    def known(self) -> bool:
        """Whether the value is known, and the same for all parameters."""
        return not self.names and self.value is not UNDETERMINED


@dataclass(frozen=True, slots=True)
class Traced:
    """What is known of a tensor: its rank, its height and width if it is an image, and its channels
    (of a vector: its features).

    `area` are the parameters on which a flattened size in `channels` depends; generated code has a
    number there, so these parameters must not change it.
    """

    rank: Fact
    size: Fact
    channels: Fact
    area: ParameterNames = NOTHING


@dataclass(frozen=True, slots=True)
class TracedList:
    """What is known of a list of maps: of each, if it is sure how many there are, or else of
    `any` of them.
    """

    items: tuple[Traced, ...] | None
    any: Traced | None


NOWHERE = Fact(UNDETERMINED, NOTHING, VECTOR)


@dataclass(slots=True)
class Symbols:
    """Makes facts; what is computed from equal parts in the same way gets the same symbol."""

    numbers: dict[tuple[Hashable, ...], int] = field(
        default_factory=dict[tuple[Hashable, ...], int]
    )

    def number(self, *key: Hashable) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def fresh(self) -> int:
        """A symbol that nothing else has."""
        return self.number("fresh", len(self.numbers))

    def constant(self, value: Any) -> Fact:
        kind = value.__class__.__name__  # as `true` is not 1, though Python says so
        return Fact(value, NOTHING, self.number("constant", kind, value))

    def made(self, value: Any, parts: Iterable[Fact], *key: Hashable) -> Fact:
        """What is computed from other facts; the key names the computation."""
        parts = tuple(parts)
        names = union(part.names for part in parts)
        if not names and value is not UNDETERMINED:
            return self.constant(value)
        return Fact(value, names, self.number(*key, *(part.symbol for part in parts)))

    def choice(self, test: Fact, then: Fact, otherwise: Fact) -> Fact:
        """One of two values, as a condition decides."""
        if then.symbol == otherwise.symbol:
            return then
        value = otherwise.value if test.value is False else then.value
        names = test.names | then.names | otherwise.names
        number = self.number("either", test.symbol, then.symbol, otherwise.symbol)
        return Fact(value, names, number)

    def either(self, test: Fact, then: Traced, otherwise: Traced) -> Traced:
        """One of two tensors, as a condition decides."""
        sizes = then.size, otherwise.size
        return Traced(
            self.choice(test, then.rank, otherwise.rank),
            sized(*sizes) or self.choice(test, *sizes),
            self.choice(test, then.channels, otherwise.channels),
            then.area | otherwise.area,
        )

    def turned(self, x: Traced, after: Traced, turn: Fact) -> Traced:
        """The tensor at the start of any iteration of a loop: `x` in the first one, `after` in
        later ones.
        """

        def any_of(a: Fact, b: Fact, aspect: str) -> Fact:
            if a.symbol == b.symbol:
                return a
            symbol = self.number("turn", turn.symbol, aspect)
            return Fact(UNDETERMINED, turn.names | a.names | b.names, symbol)

        return Traced(
            any_of(x.rank, after.rank, "rank"),
            sized(x.size, after.size) or any_of(x.size, after.size, "size"),
            any_of(x.channels, after.channels, "channels"),
            x.area | after.area,
        )


def sized(a: Fact, b: Fact) -> Fact | None:
    """Of two tensors one of which is a vector, the size of the other one."""
    return b if a.symbol == VECTOR else a if b.symbol == VECTOR else None


def union(names: Iterable[ParameterNames]) -> ParameterNames:
    return NOTHING.union(*names)
