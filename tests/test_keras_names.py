"""Names belong to the author: what the Keras target needs itself steps aside, and layers keep their names.

The language still reserves these words, so the tests lift that first.
"""

import pytest
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes
from test_shadowed_names import spec

from cnngen.syntax import naming
from cnngen.targets.keras.names import IMPORTED, LOCAL

pytestmark = pytest.mark.keras

KINDS = ("parameter", "parameter of a block", "variable", "stage", "step", "branch")
HELPERS = sorted(naming.HELPERS)
WORDS = sorted(
    {name for name in (*HELPERS, *LOCAL, *IMPORTED) if naming.SNAKE_CASE.fullmatch(name)}
    - naming.LANGUAGE
    - naming.PYTHON
)


@pytest.fixture
def no_reserved_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "RESERVED", naming.LANGUAGE | naming.PYTHON | naming.LOOK_ALIKES)
    monkeypatch.setattr(naming, "HELPERS", frozenset[str]())
    monkeypatch.setattr(naming, "HIDDEN", naming.READ)
    monkeypatch.setattr(naming, "_FUNCTIONS", set[str]())


def check(kind: str, names: list[str]) -> str:
    pytest.importorskip("keras")
    built = build(spec(kind, names))
    model = built.keras(**built.heads)
    assert keras_shapes(model) == expected_in_keras(built.network)
    return built.keras.__name__


@pytest.mark.usefixtures("no_reserved_words")
@pytest.mark.parametrize("kind", KINDS)
def test_authors_may_use_every_word_of_the_target(kind: str) -> None:
    check(kind, WORDS)


@pytest.mark.usefixtures("no_reserved_words")
def test_blocks_may_be_called_as_functions_of_the_target() -> None:
    words = {"".join(part.capitalize() for part in word.split("_")) for word in WORDS}
    names = sorted(name for name in words if naming.snake_case(name) in WORDS)
    assert len(names) > 20
    check("block", names)
