"""What `cnngen verify` found, as a table and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cnngen.report.summary import input_fields
from cnngen.report.table import Table
from cnngen.verify.tried_inputs import sizes_text

if TYPE_CHECKING:
    from cnngen.verify.compare import Comparison
    from cnngen.verify.stages import StageComparison
    from cnngen.verify.where import Parting

HEAD = ("input", "compared", "precision", "difference", "allowed", "")
STAGE_HEAD = ("stage", "layer that differs most", "difference")
NUMBERS = frozenset({3, 4})


@dataclass(slots=True)
class Verification:
    """All comparisons of one network; stages only where they were asked for."""

    name: str
    against: str = ""
    comparisons: "list[Comparison]" = field(default_factory=list["Comparison"])
    stages: "list[StageComparison]" = field(default_factory=list["StageComparison"])
    parting: "Parting | None" = None  # from what it is compared with
    unchecked: list[str] = field(default_factory=list[str])  # what `--quick` left out

    @property
    def equal(self) -> bool:
        return all(comparison.equal for comparison in self.comparisons)

    def as_dict(self) -> dict[str, Any]:
        """What `cnngen verify --format json` prints."""
        return {
            "name": self.name,
            "against": self.against or None,
            "equal": self.equal,
            "comparisons": [_fields(c) | {"equal": c.equal} for c in self.comparisons],
            "stages": [asdict(stage) for stage in self.stages],
            "parting": asdict(self.parting) if self.parting else None,
            "unchecked": self.unchecked,
        }


def _fields(comparison: "Comparison") -> dict[str, Any]:
    """A comparison for programs, with the height and width of the only image."""
    fields = asdict(comparison)
    match fields.pop("inputs"):
        case {"input": (_, height, width)}:
            return {"height": height, "width": width} | fields
        case inputs:
            return input_fields(inputs) | fields


def verification_table(comparisons: "Sequence[Comparison]") -> Table:
    """A row for each quantity at each input size."""
    rows = [
        (
            sizes_text(c.inputs),
            *(c.quantity, c.precision, f"{c.difference:.1e}", f"{c.tolerance:.0e}"),
            "" if c.equal else "differs",
        )
        for c in comparisons
    ]
    return Table(HEAD, rows, numbers=NUMBERS)


def stage_table(stages: "Sequence[StageComparison]") -> Table:
    """A row for each stage, in evaluation at the input size of the spec."""
    rows = [(each.stage, each.layer, f"{each.difference:.1e}") for each in stages]
    return Table(STAGE_HEAD, rows, numbers=frozenset({2}))
