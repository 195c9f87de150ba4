"""Any word and any kind of value may stand at any place of a spec, and behind `--set`: no traceback."""

import ast
from pathlib import Path
from random import Random

import pytest
from support.planted_values import PARAMETERS, PLACES, RICH, VALUES, planted

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.targets.generate import generate
from cnngen.targets.registry import BUILT_IN

EACH = 2  # places for each value
WORDS_OF_PADDING = (
    "half",
    "same",
    "training",
    "input.channels",
    "not training",
    "1 if flag else half",
)


def compiled(text: str, folder: Path, settings: dict[str, str] | None = None) -> bool:
    """Whether it is a good spec, whose sources are Python."""
    path = folder / "net.yaml"
    path.write_text(text, encoding="utf-8")
    report = Report()
    network = analyse_file(path, report, Options(settings or {}))
    render_text(list(report))
    for target in BUILT_IN if network else ():
        assert network
        if source := generate(network, target, report):
            ast.parse(source)
    return network is not None


def test_the_spec_itself_is_good(tmp_path: Path):
    assert compiled(RICH, tmp_path)


@pytest.mark.parametrize("first", range(0, len(VALUES), 40))
def test_any_value_at_any_place(first: int, tmp_path: Path):
    random = Random(first)
    for value in VALUES[first : first + 40]:
        for place in random.sample(PLACES, EACH):
            compiled(planted(place, value), tmp_path)


@pytest.mark.parametrize("name", PARAMETERS)
def test_any_value_behind_set(name: str, tmp_path: Path):
    for value in VALUES[:: len(PARAMETERS)]:
        compiled(RICH, tmp_path, {name: value})
    for value in WORDS_OF_PADDING:
        assert not compiled(RICH, tmp_path, {name: value})
