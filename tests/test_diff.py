"""`cnngen diff`: what changed in the network, and not in its text."""

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from time import process_time

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cnngen.cli import cli
from cnngen.diff.sequences import common

SPEC = """
cnngen: 1
name: Net
about: A chain, a residual, a head.
params: {depth: 2, classes: 10}
input: {channels: 3, height: 32, width: 32}
model:
  stem:
    - conv: {out: 8, kernel: 3, padding: half}
    - relu
  body:
    repeat: depth
    do:
      branches:
        residual: [{conv: {out: 8, kernel: 3, padding: half}}, batch_norm]
        shortcut: identity
      join: add
  head:
    - max_pool: {kernel: 2, stride: 2}
    - global_avg_pool
    - flatten
    - linear: {out: classes}
"""


def diff(tmp_path: Path, old: str, new: str, *options: str) -> Result:
    paths = [tmp_path / "old.yaml", tmp_path / "new.yaml"]
    for path, text in zip(paths, (old, new), strict=True):
        path.write_text(text, encoding="utf-8")
    return CliRunner().invoke(cli, ["diff", *map(str, paths), *options])


def lines(result: Result) -> list[str]:
    """What came, went or changed."""
    assert result.exit_code == 0, result.output
    return [line for line in result.stdout.splitlines() if line[:2] in ("+ ", "- ", "~ ")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        # attributes
        (
            ("kernel: 3, padding: half}\n    - relu", "kernel: 5, padding: half}\n    - relu"),
            ["~ stem.0 (conv): kernel 3 -> 5, padding 1 -> 2"],
        ),
        (
            ("{kernel: 2, stride: 2}", "{kernel: 2, stride: 2, ceil: true}"),
            ["~ head.0 (max_pool): ceil false -> true"],
        ),
        # a parameter that changes layers in several places
        (
            ("classes: 10", "classes: 5"),
            ["~ output head: 10 -> 5", "~ head.3 (linear): out 10 -> 5", "~ other shapes: head.3 10 -> 5"],
        ),
        # more of a loop
        (
            ("depth: 2", "depth: 5"),
            ["+ body.2 to body.4 added (12 layers: 3 conv, 3 batch_norm, 3 identity, 3 add; 1.80 k parameters)"],
        ),
        # a layer before others, which keep their counterparts though their numbers change
        (
            ("    - max_pool: {kernel: 2, stride: 2}\n", "    - relu\n    - max_pool: {kernel: 2, stride: 2}\n"),
            ["+ head.0 added (relu)"],
        ),
        (("    - max_pool: {kernel: 2, stride: 2}\n", ""), ["- head.0 removed (max_pool)"]),
        # an op for another one
        (
            ("- relu", "- tanh"),
            ["- stem.1 removed (relu)", "+ stem.1 added (tanh)"],
        ),
        # a name
        (
            ("  body:", "  middle:"),
            ["~ body is called middle"],
        ),
        # a step that became one of several
        (
            ("        residual: [", "        residual: [relu, "),
            ["+ body.0.residual.0, body.1.residual.0 added (2 relu)"],
        ),
    ],
)  # fmt: skip
def test_a_change(tmp_path: Path, change: tuple[str, str], expected: list[str]) -> None:
    assert change[0] in SPEC
    assert lines(diff(tmp_path, SPEC, SPEC.replace(*change))) == expected


def test_a_block_around_what_was_there(tmp_path: Path) -> None:
    new = SPEC.replace(
        "residual: [{conv: {out: 8, kernel: 3, padding: half}}, batch_norm]",
        "residual: [Inner, relu]",
    ).replace(
        "model:",
        "blocks: {Inner: {about: Both., body: [{conv: {out: 8, kernel: 3, padding: half}}, batch_norm]}}\nmodel:",
    )
    assert lines(diff(tmp_path, SPEC, new)) == [
        "+ body.0.residual.1, body.1.residual.1 added (2 relu)"
    ]


def test_another_input_of_a_layer(tmp_path: Path) -> None:
    outputs = "outputs: {logits: head, features: body}\n"
    new = SPEC.replace("  head:\n", "  head:\n    - from: stem\n") + outputs
    assert lines(diff(tmp_path, SPEC + outputs, new)) == [
        "~ head.0 (max_pool): reads body.1.add -> stem.1"
    ]


def test_the_order_of_a_concatenation(tmp_path: Path) -> None:
    text = """
        cnngen: 1
        name: Net
        about: Two branches.
        input: {channels: 3, height: 8, width: 8}
        model:
          body:
            branches:
              one: {conv: {out: 4, kernel: 1}}
              two: relu
            join: concat
        """
    old = dedent(text)
    one, two = "      one: {conv: {out: 4, kernel: 1}}\n", "      two: relu\n"
    new = old.replace(one + two, two + one)
    assert lines(diff(tmp_path, old, new)) == [
        "~ body.concat (concat): reads body.one, body.two -> body.two, body.one"
    ]


def test_the_whole_page() -> None:
    result = CliRunner().invoke(cli, ["diff", "resnet18", "resnet34"])
    assert result.stdout == dedent(
        """\
        resnet18 -> resnet34

                           before          after                    change
        ------------------------------------------------------------------
        parameters     11,689,512     21,797,672      +10,108,160 (+86.5%)
        buffers             9,600         17,024           +7,424 (+77.3%)
        MACs        1,814,073,344  3,663,761,408  +1,849,688,064 (+102.0%)
        layers                 69            125              +56 (+81.2%)

        stage     output       parameters        MACs
        ---------------------------------------------------------
        features  512 x 7 x 7  11.2 M -> 21.3 M  1.70 G -> 3.55 G

        + features.0.2, features.1.2, features.1.3 and 5 more added (56 layers: 16 conv, 16 batch_norm, 16 relu, 8 add; 10.1 M parameters)
        """
    )


def test_other_words_are_no_change(tmp_path: Path) -> None:
    new = SPEC.replace("  # ", "").replace("about: A chain", "about: Well, a chain")
    new = new.replace(
        "{conv: {out: 8, kernel: 3, padding: half}}",
        "{conv: {out: 4 * 2, kernel: [3, 3], padding: 1}}",
    )
    result = diff(tmp_path, SPEC, new, "--exit-code")
    assert result.exit_code == 0
    assert result.stdout.endswith("are the same network\n")


def test_the_exit_code(tmp_path: Path) -> None:
    new = SPEC.replace("- relu", "- tanh")
    assert diff(tmp_path, SPEC, new).exit_code == 0
    assert diff(tmp_path, SPEC, new, "--exit-code").exit_code == 1


def test_markdown(tmp_path: Path) -> None:
    result = diff(tmp_path, SPEC, SPEC.replace("- relu", "- tanh"), "--format", "markdown")
    assert "| parameters |" in result.stdout
    assert result.stdout.endswith("* `stem.1` removed (relu)\n* `stem.1` added (tanh)\n")


def test_json(tmp_path: Path) -> None:
    result = diff(tmp_path, SPEC, SPEC.replace("classes: 10", "classes: 5"), "--format", "json")
    found = json.loads(result.stdout)
    assert found["totals"]["parameters"] == [1514, 1469]
    assert found["changed"] == [
        {"op": "linear", "paths": ["head.3"], "attributes": {"out": {"old": "10", "new": "5"}}}
    ]


def test_an_error_in_a_spec_is_shown(tmp_path: Path) -> None:
    result = diff(tmp_path, SPEC, SPEC.replace("- relu", "- rleu"))
    assert result.exit_code == 1 and "did you mean `relu`?" in result.stderr and not result.stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits: a spec with its parent, and a change of the parent."""
    folder = tmp_path / "repository" / "nets"
    folder.mkdir(parents=True)
    child = "cnngen: 1\nname: Child\nextends: base.yaml\nparams: {classes: 3}\n"
    (folder / "child.yaml").write_text(child, encoding="utf-8")
    monkeypatch.chdir(folder)
    git("init", "-q", "..")
    for text in (SPEC, SPEC.replace("depth: 2", "depth: 3")):
        (folder / "base.yaml").write_text(text, encoding="utf-8")
        git("add", ".")
        git("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "a")
    return folder


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True)


def test_a_revision(repository: Path) -> None:
    for name in ("HEAD~1:nets/child.yaml", "HEAD~1:./child.yaml"):
        result = CliRunner().invoke(cli, ["diff", name, "child.yaml"])
        assert [line[:18] for line in lines(result)] == ["+ body.2 added (4 "]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("HEAD~9:nets/child.yaml", 2, "git knows no revision `HEAD~9`"),
        ("--help:nets/child.yaml", 2, "no revision"),
        ("HEAD:nets/other.yaml", 2, "`HEAD:nets/other.yaml` does not exist in HEAD"),
        ("HEAD:nets", 2, "does not exist in HEAD"),
        ("HEAD:../../x.yaml", 2, "is not a path in the repository"),
        ("HEAD:/etc/passwd", 2, "is not a path in the repository"),
    ],
)
def test_what_git_does_not_have(repository: Path, name: str, code: int, said: str) -> None:
    result = CliRunner().invoke(cli, ["diff", "--", name, "child.yaml"])
    assert result.exit_code == code and said in result.stderr, result.output


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    result = CliRunner().invoke(cli, ["diff", "HEAD:a.yaml", "vgg16"])
    assert result.exit_code == 2 and "there is no git repository here" in result.stderr


def test_json_has_what_came_and_went(tmp_path: Path) -> None:
    result = diff(tmp_path, SPEC, SPEC.replace("depth: 2", "depth: 3"), "--format", "json")
    (added,) = json.loads(result.stdout)["added"]
    assert added["ops"] == {"conv": 1, "batch_norm": 1, "identity": 1, "add": 1}


def longest_common(old: list[int], new: list[int]) -> int:
    """The length of a longest common subsequence, by the table of all pairs of prefixes."""
    row = [0] * (len(new) + 1)
    for element in old:
        above, row = row, [0]
        for j, other in enumerate(new):
            row.append(above[j] + 1 if element == other else max(above[j + 1], row[j]))
    return row[-1]


ELEMENTS = st.lists(st.integers(0, 3), max_size=30)


@given(ELEMENTS, ELEMENTS, st.sampled_from([2, 64]))
def test_what_sequences_have_in_common(old: list[int], new: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnngen.diff.sequences.MOST_EDITS", most)
        found = common(old, new)
    assert all(old[i] == new[j] for i, j in found)
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))
    longest = longest_common(old, new)
    assert len(found) == longest if most == 64 else len(found) <= longest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([0, *[1] * 50_000, 2], [2, *[1] * 50_000, 0]),
        ([1] * 50_000, [1] * 20_000),
        ([0, 1] * 10_000, [1, 1, 0] * 7_000),
        (list(range(20_000)), list(range(20_000))[::-1]),
        ([i * i % 7 for i in range(20_000)], [i * i % 11 % 7 for i in range(20_000)]),
    ],
)
def test_long_sequences_take_no_longer_than_their_sum(old: list[int], new: list[int]) -> None:
    start = process_time()
    found = common(old, new)
    assert process_time() - start < 20  # of what is quadratic, minutes
    assert all(a < c and b < d for (a, b), (c, d) in pairwise(found))


def test_many_equal_layers(tmp_path: Path) -> None:
    layers = "model: {a: [tanh, {repeat: 8000, do: relu}, sigmoid]}\n"
    head = SPEC[: SPEC.index("params:")] + "input: {channels: 3, height: 2, width: 2}\n"
    old, new = head + layers, head + layers.replace("tanh", "selu").replace("sigmoid", "tanh")
    start = process_time()
    found = lines(diff(tmp_path, old, new))
    assert process_time() - start < 20
    assert found == [
        *("- a.0 removed (tanh)", "- a.8001 removed (sigmoid)"),
        *("+ a.0 added (selu)", "+ a.8001 added (tanh)"),
    ]
