"""Conversion: one file of weights to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cnngen.semantics.network import Network
from cnngen.weights.convert import Selection, changed_layers, convert, first, select
from cnngen.weights.files import opened
from cnngen.weights.foreign import Adopted, Foreign, adopt
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework, Place, places
from cnngen.weights.stored import Stored, WeightNames
from cnngen.weights.ways import Choice, take
from cnngen.weights.write import write_keras, write_safetensors, write_torch


@dataclass(frozen=True, slots=True)
class Conversion:
    """What to convert. `plain` is the network as its spec says, without options, and `source_text`
    the Keras source, which is needed to write a Keras model.
    """

    source: Path
    target: Path
    network: Network
    framework: Framework
    heads: bool
    source_text: str | None
    plain: Network | None

    def run(
        self, foreign: Foreign | None, choice: Choice, *, by_order: bool
    ) -> tuple[list[str], list[Place]]:
        """Convert; gives notes for the user, and the weights that were carried over."""
        changed = changed_layers(self.network, self.plain) if self.plain else set[str]()

        def fit(stored: Stored) -> tuple[Adopted, Selection]:
            adopted = (
                adopt(foreign, stored, self.network, changed, by_order=by_order)
                if foreign
                else Adopted(stored)
            )
            heads = self.heads or self.source_text is None
            return adopted, select(self.network, adopted.stored, changed, heads=heads)

        names = foreign.names if foreign else WeightNames.of(places(self.network))
        with opened(self.source, names) as contents:
            taken = take(contents, names, choice, fit)
            adopted, found = taken.fitted
            state = convert(found, adopted.stored, self.framework)
            write_weights(
                *(self.target, state, self.network, self.source_text),
                heads=self.heads,
                metadata=adopted.stored.metadata,
            )
        left_out = (f"left out {line}" for line in first(found.left_out))
        return [*taken.notes, *adopted.notes, *left_out], found.carried


def write_weights(
    target: Path,
    state: Mapping[str, Array],
    network: Network,
    source_text: str | None,
    *,
    heads: bool,
    metadata: Mapping[str, str],
) -> None:
    """Write weights that have the names and layouts of the framework for which the file is."""
    if source_text is not None:
        write_keras(target, state, network, source_text, heads=heads)
    elif target.name.endswith(".safetensors"):
        write_safetensors(target, state, metadata)
    else:
        write_torch(target, state)
