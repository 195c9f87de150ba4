"""What is suggested for the words of other frameworks exists, and targets know what they and their templates import."""

import re
from collections.abc import Collection
from pathlib import Path

import pytest

import cnngen.targets
from cnngen.diagnostics.synonyms import ATTRIBUTES, DISTRIBUTIONS, OPS, translate
from cnngen.ops import OPS as KNOWN
from cnngen.ops.initializer import INITIALIZERS
from cnngen.shipped import TEMPLATES
from cnngen.targets.keras.names import IMPORTED as KERAS
from cnngen.targets.torch.names import IMPORTED as TORCH

TARGETS = Path(cnngen.targets.__file__).parent
KNOWN_ATTRIBUTES = {name for op in KNOWN.values() for name in op.attributes}
ARGUMENTS = {argument.name for known in INITIALIZERS.values() for argument in known.arguments}


def test_synonyms_mean_what_there_is() -> None:
    assert set(OPS.values()) <= set(KNOWN)
    assert set(ATTRIBUTES.values()) <= KNOWN_ATTRIBUTES
    assert set(DISTRIBUTIONS.values()) <= set(INITIALIZERS) | ARGUMENTS


def test_no_op_has_the_synonym_of_another() -> None:
    assert not {word for word in KNOWN if translate(word, OPS, KNOWN) != word}


@pytest.mark.parametrize(
    ("word", "op"),
    [("Conv2d", "conv"), ("ConvTranspose2d", "transposed_conv"), ("max_pool2d", "max_pool")],
)
def test_case_and_underscores_do_not_matter(word: str, op: str) -> None:
    assert translate(word, OPS, KNOWN) == op


@pytest.mark.parametrize(
    ("target", "known", "pattern"),
    [("torch", TORCH, r"\w+"), ("keras", KERAS, r"[a-z]\w+")],  # authors name no class in Keras
)
def test_what_files_import_steps_aside_for_nobody(
    target: str, known: Collection[str], pattern: str
) -> None:
    sources = [*(TEMPLATES / target).rglob("*.jinja"), *(TARGETS / target).rglob("*.py")]
    texts = [path.read_text(encoding="utf-8") for path in sources]
    imports = re.compile(rf'imports\("[^"]+", "({pattern})"\)')
    assert {name for text in texts for name in imports.findall(text)} <= {*known}
    assert any("imports(" in text for text in texts)
