"""Random expressions for random specs. Each has a role, which says what values it may have.

Roles follow the names in scope. Whatever the parameters are, a `width` is a multiple of 4, a
`count` at least 0, a `kernel` odd and a `rate` between 0 and 1; all lists have one length.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

Tree = Any  # a part of a spec, as YAML has it

TYPES = {
    **{
        "width": "int",
        "count": "int",
        "stride": "int",
        "flag": "bool",
        "kernel": "size",
        "rate": "float",
    },
    **{"widths": "ints", "counts": "ints", "rates": "floats", "flags": "bools"},
    "rows": [{"wide": "int", "times": "int", "share": "float", "on": "bool", "window": "int"}],
}
LISTS = ("widths", "counts", "rates", "flags", "rows")
FIELDS = {"wide": "width", "times": "count", "share": "rate", "on": "flag", "window": "kernel"}


@dataclass(frozen=True)
class Running:
    """What is known of a tensor.

    `aligned`: its channels are a multiple of 4. `size`: the same object for tensors of one height and width. `low`: the
    least that these can be. `channels`: an expression of equal value, where one is known. `plain`: a vector that was
    not flattened from feature maps.
    """

    aligned: bool
    size: object = None
    low: int = 1
    image: bool = True
    channels: str | None = None
    plain: bool = False


@dataclass(frozen=True)
class Place:
    """Where steps are drawn: the names in scope with their roles, and the tensors that can be read by name.

    `known` is None where nothing can be read by name; `taken` are the keys that a block's body has given away. `parts`
    are steps that can be used again: what each is given and gives, and what it is.
    """

    scope: Mapping[str, str]
    aligned: bool  # whether `input.channels` is a multiple of 4
    depth: int = 0
    known: dict[str, Running] | None = None
    taken: set[str] = field(default_factory=set[str])
    parts: dict[str, tuple[Running, Running, Tree]] = field(
        default_factory=dict[str, tuple[Running, Running, Tree]]
    )

    def inside(self, scope: Mapping[str, str] | None = None) -> "Place":
        """A body inside a step."""
        scope = self.scope if scope is None else scope
        return replace(self, scope=scope, depth=self.depth + 1, known=None, taken=set(), parts={})


class Expressions:
    """Draws constants and expressions."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.length = self.pick(1, 2, 3)  # of all lists

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def constant(self, role: str) -> Tree:
        match role:
            case "width":
                return self.pick(4, 8, 12)
            case "count":
                return self.pick(0, 1, 2, 3)
            case "stride":
                return self.pick(1, 2)
            case "flag":
                return self.pick(True, False)
            case "kernel":
                return self.pick(1, 3, 5)
            case "rate":
                return self.pick(0.1, 0.25, 0.5)
            case "row":
                return {field: self.constant(role) for field, role in FIELDS.items()}
            case _:
                return [self.constant(role[:-1]) for _ in range(self.length)]

    def expression(self, role: str, place: Place) -> Tree:
        match role:
            case "width":
                return self.width(place)
            case "count":
                return self.count(place)
            case "flag":
                return self.flag(place)
            case "rate":
                return self.rate(place)
            case "kernel":
                return self.kernel(place)
            case "stride":
                return self.pick("1", "2", *self.named("stride", place))
            case _:
                return self.items(role, place)

    def named(self, role: str, place: Place) -> list[str]:
        """The names of a role, elements of lists of them, and fields of records."""
        found: list[str] = []
        for name, known in place.scope.items():
            item = f"{name}[{self.pick('0', '-1')}]"
            records = {"row": name, "rows": item}
            found += [name] if known == role else [item] if known == f"{role}s" else []
            fields = [field for field, kind in FIELDS.items() if kind == role]
            found += [f"{records[known]}.{field}" for field in fields if known in records]
        return found

    def width(self, place: Place, depth: int = 0) -> str:
        plain = ["4", "8", *self.named("width", place) * 2]
        if place.aligned:
            plain.append("input.channels")
        if depth > 1 or self.maybe(0.6):
            return self.pick(*plain)
        a, b, count = (
            self.width(place, depth + 1),
            self.width(place, depth + 1),
            self.count(place, depth + 1),
        )
        return self.pick(
            *(
                f"2 * ({a})",
                f"({a}) + ({b})",
                f"max({a}, {b})",
                f"min({a}, {b})",
                f"({a}) * (({count}) + 1)",
            ),
            *(
                f"({a}) if {self.flag(place, depth + 1)} else ({b})",
                f"({a}) // 2 * 2",
                f"4 * (({count}) + 1)",
            ),
            *(f"make_divisible(({a}) * {self.rate(place, 2)}, 4)", f"4 * int(({count}) * 1.5 + 1)"),
            *(f"4 * (round({self.rate(place, 2)}) + 1)", f"4 * ceil({self.rate(place, 2)} + 1)"),
            *("4 * input.channels", "make_divisible(input.channels / 2, 4)"),
            *(f"sum({xs})" for xs in self.lists("widths", place)),
            *(f"4 + sum({xs}[:{count}])" for xs in self.lists("widths", place)),
            *(f"4 * len({xs})" for xs in self.lists("rates", place)),
        )

    def count(self, place: Place, depth: int = 0) -> str:
        plain = ["0", "1", "2", *self.named("count", place)]
        if depth > 1 or self.maybe(0.7):
            return self.pick(*plain)
        a = self.count(place, depth + 1)
        return self.pick(
            *(
                f"max({a} - 1, 0)",
                f"1 if {self.flag(place, depth + 1)} else 2",
                f"min({a}, 2)",
                f"({a}) % 2",
            ),
            *(f"len({xs})" for role in LISTS for xs in self.lists(role, place)),
        )

    def flag(self, place: Place, depth: int = 0) -> str:
        plain = ["true", "false", *self.named("flag", place) * 3]
        if depth > 1 or self.maybe(0.4):
            return self.pick(*plain)
        a, b = self.flag(place, depth + 1), self.flag(place, depth + 1)
        width, count = self.width(place, 2), self.count(place, 2)
        plain = [
            f"{width} > 4",
            f"{count} == 0",
            f"input.channels != {width}",
            "input.channels > 8",
        ]
        if {a, b} & {"true", "false"} or a in b or b in a:
            return self.pick(*plain)
        return self.pick(
            *plain, f"not ({a})", f"({a}) and ({b})", f"({a}) or ({b})", f"({a}) == ({b})"
        )

    def rate(self, place: Place, depth: int = 0) -> str:
        plain = ["0.1", "0.5", "1e-1", *self.named("rate", place) * 2]
        if depth > 1 or self.maybe(0.7):
            return self.pick(*plain)
        a = self.rate(place, depth + 1)
        return self.pick(
            f"({a}) / 2",
            f"1 - ({a})",
            f"({a}) ** 2",
            f"0.2 if {self.flag(place, depth + 1)} else {a}",
        )

    def kernel(self, place: Place) -> str:
        odd = [f"2 * {count} + 1" for count in self.named("count", place)]
        return self.pick("1", "3", "3", "[1, 3]", "[3, 1]", *self.named("kernel", place) * 2, *odd)

    def lists(self, role: str, place: Place) -> list[str]:
        """The names of lists, and columns of tables."""
        tables = [name for name, known in place.scope.items() if known == "rows"]
        columns = [field for field, kind in FIELDS.items() if f"{kind}s" == role]
        names = [name for name, known in place.scope.items() if known == role]
        return names + [f"{table}.{column}" for table in tables for column in columns]

    def row(self, place: Place) -> Tree:
        """A record, whose kernel is a number."""
        fields = {field: self.expression(role, place) for field, role in FIELDS.items()}
        return fields | {"window": self.pick("1", "3", "5")}

    def items(self, role: str, place: Place) -> Tree:
        """A list of the common length."""
        if role == "rows":
            names = self.lists(role, place)
            written = [self.row(place) for _ in range(self.length)]
            return self.pick(written, *names * 3, *(f"{name}[::-1]" for name in names))
        element = self.expression(role[:-1], place)
        written = f"[{', '.join(self.expression(role[:-1], place) for _ in range(self.length))}]"
        named = self.lists(role, place)
        backwards = [f"{xs}[::-1]" for xs in named]
        return self.pick(written, f"[{element}] * {self.length}", *named * 3, *backwards)

    def iterated(self, place: Place) -> tuple[Tree, str]:
        """A list of any length, and the role of its elements."""
        if tables := self.lists("rows", place):
            table = self.random.choice(tables)
            part = self.pick("", "[1:]", "[:-1]", "[::-1]", f" + {table}")
            if self.maybe(0.5):
                return f"{table}{part}", "row"
        role = self.pick("width", "count", "rate", "flag")
        values = self.items(f"{role}s", place)
        return self.pick(
            *(
                (values, role),
                (values, role),
                (f"({values}) + [{self.expression(role, place)}]", role),
                (f"({values}){self.pick('[1:]', '[:-1]', '[::-1]', '[:2]', '[-2:]')}", role),
            ),
            *(
                (f"range({self.count(place)})", "count"),
                ("[]", role),
                (f"[{self.expression(role, place)}]", role),
            ),
        )
