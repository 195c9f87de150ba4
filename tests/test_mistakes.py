"""The mistakes that people make: each is said once, where it is. `scripts/mistakes.py` has a table."""

import shutil
from pathlib import Path

import pytest
from support.answers_to_mistakes import Answer, answer
from support.mistakes_of_people import LATEST, SPECS, corpus, line_mutations, text_mutations


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Answer]]:
    """What is said of each mistake; what turned out to be a valid spec is left out."""
    folder = tmp_path_factory.mktemp("specs")
    shutil.copytree(SPECS, folder, dirs_exist_ok=True)
    found: dict[str, list[Answer]] = {}
    for mistake in corpus():
        if (said := answer(mistake, folder)).errors:
            found.setdefault(mistake.kind, []).append(said)
    return found


def test_tables_inputs_and_shared_weights(tmp_path: Path) -> None:
    """Mistakes in specs that have what the classical networks have not."""
    shutil.copytree(SPECS, tmp_path, dirs_exist_ok=True)
    said = [answer(mistake, tmp_path) for mistake in corpus(4, files=LATEST)]
    found = [each for each in said if each.errors]
    assert len(found) > 100
    assert sum(each.good for each in found) >= 0.95 * len(found)


def test_all_kinds_are_there(answers: dict[str, list[Answer]]) -> None:
    assert answers.keys() == line_mutations().keys() | text_mutations().keys()
    assert sum(map(len, answers.values())) >= 300


def test_a_mistake_is_one_error(answers: dict[str, list[Answer]]) -> None:
    every = [each for several in answers.values() for each in several]
    assert sum(len(each.errors) == 1 for each in every) >= 0.99 * len(every)


def test_the_error_points_at_the_mistake(answers: dict[str, list[Answer]]) -> None:
    every = [each for several in answers.values() for each in several]
    assert sum(each.place != "elsewhere" for each in every) >= 0.97 * len(every)


@pytest.mark.parametrize(
    "kind",
    [
        *("misspelt op", "misspelt key", "misspelt top key", "misspelt parameter"),
        *("framework's name", "framework's attribute", "unknown parameter", "wrong reference"),
        *("tab for indentation", "call not quoted", "colon in a text", "alias for a product"),
        *("dash left out", "part beside its key", "brace not closed", "number out of range"),
        *("indented too far", "indented too little", "channels of an arm", "step left out"),
        *("groups that do not divide", "text for a number", "join of another kind", "key twice"),
    ],
)
def test_some_are_always_said_well(kind: str, answers: dict[str, list[Answer]]) -> None:
    assert all(each.good for each in answers[kind])
