"""The configuration of a layer -> the op that it is, with the values of its attributes.

What an argument means is said in the vocabulary, for those who write a layer of Keras into a spec.
A configuration says more: everything, among it what belongs to training.
"""

from collections.abc import Mapping
from typing import Any, cast

from cnngen.vocabulary.layer import Unsayable
from cnngen.vocabulary.meaning import meaning_in
from cnngen.vocabulary.value import Literal, Written, literal

# What changes nothing that is computed, or is read elsewhere.
SILENT = {
    *("name", "trainable", "dtype", "batch_input_shape", "batch_shape", "activation", "seed"),
    *("autocast", "fused", "virtual_batch_size", "lora_rank", "lora_alpha", "quantization_config"),
    *("synchronized", "renorm_momentum", "dynamic"),
}
UNLESS_SAID = {"rms_scaling"}  # which no caller can give, and configurations have
TRAINED = ("_initializer", "_regularizer", "_constraint")
KEPT = "alpha_initializer"  # of PReLU, where it is a number
WORDS = 40  # letters of the longest word
LONGEST = 16  # numbers of a list


def op_values(kind: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The word of an op and its values; None for layers that the vocabulary does not know. Raises
    `Unsayable`.
    """
    given = {
        name: _written(name, value)
        for name, value in config.items()
        if name not in SILENT
        and (name == KEPT or not name.endswith(TRAINED))
        and (value or name not in UNLESS_SAID)
    }
    meaning = meaning_in("Keras", kind, given)
    if meaning is None:
        return None
    if not meaning.said:
        raise Unsayable("its configuration lacks an argument that the layer needs")
    return meaning.op, {n: _value(text) for n, text in meaning.attributes.items()}


def said(kind: str, config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The same of a layer that the vocabulary knows."""
    found = op_values(kind, config)
    assert found is not None, kind
    return found


def _written(name: str, value: Any) -> Written:
    return Written.of(_text(name, value, 0))


def _text(name: str, value: Any, depth: int) -> str:
    """A value of a file as a text of a spec."""
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case int() | float() if abs(value) < 1e30:
            return repr(value)
        case str() if value.isidentifier() and value.isascii() and len(value) <= WORDS:
            return value
        case list() | tuple() if depth < 2 and len(cast("list[Any]", value)) <= LONGEST:
            inner = (_text(name, x, depth + 1) for x in cast("list[Any]", value))
            return f"[{', '.join(inner)}]"
        case _:
            raise Unsayable(f"no op has what its `{name}` says")


def _value(text: str) -> Literal:
    written = Written.of(text)
    found = literal(written.value)
    return found[0] if found else written.word
