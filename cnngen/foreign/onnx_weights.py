"""Under which key each weight of a file is found, in our layout."""

from dataclasses import dataclass, field

from cnngen.foreign.onnx_constants import Array, Constant
from cnngen.foreign.onnx_drafts import Draft


@dataclass(slots=True)
class WeightKeys:
    """The keys given so far. A key is the name of the tensor in the file; where that is read in two
    layouts, the second has a key of its own.
    """

    constants: dict[str, Constant] = field(default_factory=dict[str, Constant])

    def of(self, draft: Draft) -> dict[str, str]:
        return {name: self._key(constant) for name, constant in draft.weights.items()}

    def _key(self, constant: Constant) -> str:
        key = constant.key
        while not _are_alike(self.constants.setdefault(key, constant), constant):
            key += "'"
        return key

    def arrays(self) -> dict[str, Array]:
        return {key: constant.array for key, constant in self.constants.items()}


def _are_alike(one: Constant, other: Constant) -> bool:
    return (one.shape, one.order) == (other.shape, other.order)
