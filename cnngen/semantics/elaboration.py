"""The state of an elaboration: what was made so far, where a body stands, and what expressions are
worth there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from cnngen.diagnostics.model import Report
from cnngen.expressions.effort import STEP, Effort
from cnngen.expressions.evaluate import (
    UNDETERMINED,
    EvaluationError,
    MaybeValue,
    Undetermined,
    evaluate,
)
from cnngen.expressions.expression import Expression
from cnngen.ops.base import UNKNOWN, Image, Op, Shape, Unknown, Vector
from cnngen.semantics.attributes import show
from cnngen.semantics.network import Layer, Network, Scope, Tensor
from cnngen.semantics.resolve import Resolution
from cnngen.source import Span
from cnngen.syntax.tree import Branch, Call, Stage, Step

MAX_LAYERS = 200_000
NOTHING = Tensor("", UNKNOWN)

Maps = tuple[Tensor, ...]
Given = Tensor | Maps
"""What a step is given, or gives: a tensor, or a list of them."""


class TooManyLayers(Exception):
    """Ends the elaboration; the mistake has been reported."""


@dataclass(frozen=True, slots=True, eq=False)
class Original:
    """What a part made that is used again. The paths of its layers begin with `path`."""

    path: str
    given: Tensor
    gives: Tensor
    layers: tuple[Layer, ...]


@dataclass(slots=True, eq=False)
class Elaboration:
    """The state of an elaboration.

    `times` is how often the present step will be reached, if the loops around it do the same in
    each iteration. `absent` has the branches that are not there. `turns` has what the iterations of
    a loop gave when it was elaborated last, None after a mistake. `shared` are the parts that are
    used again, and `originals` has what they made at their first place (in a block, of its latest
    use). `ops`, `outputs` and `names` are memos, and `blamed` has the wrong values that were
    reported, with their origins. `lenient` lets
    branches of different sizes be joined.
    """

    resolution: Resolution
    report: Report
    limit: int
    network: Network
    lenient: bool = False
    effort: Effort = field(default_factory=Effort)
    training: bool = False
    times: int = 1
    shared: frozenset[Stage | Step] = frozenset()
    turns: dict[Step, Maps | None] = field(default_factory=dict[Step, "Maps | None"])
    originals: dict[Stage | Step, Original] = field(default_factory=dict[Stage | Step, Original])
    absent: list[Branch] = field(default_factory=list[Branch])
    ops: dict[tuple[Any, ...], Op] = field(default_factory=dict[tuple[Any, ...], Op])
    outputs: dict[tuple[Any, ...], Shape] = field(default_factory=dict[tuple[Any, ...], Shape])
    blamed: set[tuple[str | Span, ...]] = field(default_factory=set[tuple[str | Span, ...]])
    names: dict[Call, tuple[tuple[str, ...], bool]] = field(
        default_factory=dict[Call, tuple[tuple[str, ...], bool]]
    )

    def visit(self, step: Step) -> None:
        self.effort.spend(STEP, step.span)

    def refuse_size(self, at: Span) -> None:
        self.report.add(
            "too-many-layers",
            f"the network has more than {self.limit:,} layers",
            at,
            help="use smaller numbers, or raise the limit with `--max-layers`",
        )
        raise TooManyLayers


@dataclass(frozen=True, slots=True)
class Place:
    """Where a body is elaborated: its scope, and the tensors and lists of them that its steps can
    read by name. A list is None after a mistake.
    """

    scope: Scope
    tensors: Mapping[str, Tensor]
    lists: Mapping[str, Maps | None] = field(default_factory=dict[str, "Maps | None"])


def one_of(x: Given) -> Tensor:
    """A tensor that stands for what is given: of a list, the first."""
    return x if isinstance(x, Tensor) else x[0] if x else NOTHING


def is_unknown(x: Given) -> bool:
    return any(each.shape is UNKNOWN for each in ((x,) if isinstance(x, Tensor) else x))


def channels_of(x: Given) -> int | tuple[int, ...] | None:
    if isinstance(x, tuple):
        found = [channels_of(each) for each in x]
        known = tuple(channels for channels in found if isinstance(channels, int))
        return known if len(known) == len(found) else None
    match x.shape:
        case Image(channels=channels):
            return channels
        case Vector(features=features):
            return features
        case Unknown():
            return None
        case _:
            assert_never(x.shape)


# --- Values


def value_of(
    scope: Scope | None, expression: Expression, at: Span, elaboration: Elaboration
) -> MaybeValue:
    """The value of an expression, `UNDETERMINED` where it has none; without a scope, a constant."""
    try:
        if scope is None:
            return evaluate(expression, {}, None, elaboration.effort)
        return evaluate(expression, scope.values, scope.channels, elaboration.effort)
    except Undetermined:
        return UNDETERMINED
    except EvaluationError as error:
        if error.code != "unknown-name":  # resolve has reported those
            elaboration.report.add(
                error.code,
                error.message,
                error.span or expression.span or at,
                notes=scope.trail() if scope else (),
                help=error.help,
            )
        return UNDETERMINED


def truth_of(test: Expression, at: Span, scope: Scope, elaboration: Elaboration) -> bool | None:
    """Whether a condition holds; None after a mistake."""
    value = value_of(scope, test, at, elaboration)
    if value is UNDETERMINED:
        return None
    if not isinstance(value, bool):
        elaboration.report.add(
            "wrong-type",
            f"a condition must be `true` or `false`, not {show(value)}",
            test.span or at,
            notes=scope.trail(),
            help="compare it, for example with `> 0`"
            if isinstance(value, int | float)
            else f"take one of its elements: `{(test.span or at).text}[0]`",
        )
        return None
    return value
