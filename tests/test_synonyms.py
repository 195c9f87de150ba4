"""What is suggested for the words of other frameworks exists, and helpers of targets are reserved."""

import re

import pytest

from cnngen.diagnostics.synonyms import ATTRIBUTES, DISTRIBUTIONS, OPS, translate
from cnngen.ops import OPS as KNOWN
from cnngen.ops.initializer import INITIALIZERS
from cnngen.shipped import TEMPLATES
from cnngen.syntax.naming import HELPERS, RESERVED
from cnngen.targets.keras.spell import SUPPORT

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


def test_the_helpers_of_targets_are_reserved() -> None:
    files = TEMPLATES.glob("*/support/*.jinja")
    assert {path.stem for path in files} | set(SUPPORT) == HELPERS


def test_what_templates_import_is_reserved() -> None:
    texts = (path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.jinja"))
    imported = {name for text in texts for name in re.findall(r'imports\("[^"]+", "(\w+)"\)', text)}
    assert imported and imported <= RESERVED
