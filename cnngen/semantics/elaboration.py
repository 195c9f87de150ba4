"""Elaboration: its state, and how all its parts evaluate an expression and give up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
from cnngen.ops.base import UNKNOWN, Op, Shape
from cnngen.semantics.network import Network, Scope, Tensor
from cnngen.semantics.resolution import Resolution
from cnngen.source import Span
from cnngen.syntax.tree import Call, Identifier, Step

MAX_LAYERS = 200_000
NOTHING = Tensor("", UNKNOWN)


class TooManyLayers(Exception):
    """Ends the elaboration; the diagnostic has been reported."""


@dataclass(slots=True, eq=False)
class Elaboration:
    """What changes while the layers are laid out.

    `times` is how often the present step comes if the loops around it do the same in each of their
    iterations; `ops`, `outputs` and `names` keep what is asked again, and `blamed` which wrong
    values from where were reported. `lenient` lets branches of different sizes be joined.
    """

    resolution: Resolution
    report: Report
    limit: int
    network: Network
    lenient: bool = False
    effort: Effort = field(default_factory=Effort)
    training: bool = False
    times: int = 1
    ops: dict[tuple[Any, ...], Op] = field(default_factory=dict[tuple[Any, ...], Op])
    outputs: dict[tuple[Any, ...], Shape] = field(default_factory=dict[tuple[Any, ...], Shape])
    blamed: set[tuple[str | Span, ...]] = field(default_factory=set[tuple[str | Span, ...]])
    names: dict[Call, tuple[tuple[str, ...], bool]] = field(
        default_factory=dict[Call, tuple[tuple[str, ...], bool]]
    )

    def visit(self, step: Step) -> None:
        self.effort.spend(STEP, step.span)

    def read(self, tensors: Mapping[str, Tensor], name: Identifier) -> Tensor:
        """The tensor that a name means; an unknown one where it means none."""
        text = self.resolution.meant.get(name, name.text) if name.text else ""
        return tensors.get(text, NOTHING) if text else NOTHING

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
    """Where a body is laid out: its scope, and the tensors that can be read by name."""

    scope: Scope
    tensors: Mapping[str, Tensor]


def value_in(
    scope: Scope | None, expression: Expression, at: Step, elaboration: Elaboration
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
                error.span or expression.span or at.span,
                notes=scope.trail() if scope else (),
                help=error.help,
            )
        return UNDETERMINED
