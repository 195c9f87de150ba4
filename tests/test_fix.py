"""`cnngen check --fix`: pairs of a spec and what becomes of it, and which files are left alone."""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from support.explanation_pages import Page

from cnngen.cli import cli
from cnngen.diagnostics.codes import CODES
from cnngen.fix import Copies, Findings
from cnngen.locate import zoo
from cnngen.obstacle import obstacle

Run = Callable[..., Result]

HEAD = """\
cnngen: 1
name: Net
about: A small network.
input: {channels: 3, height: 32, width: 32}
"""
MISSPELT = HEAD + "model:\n  stem: {conv: {out: 16, kernel: 3, paddin: half}}\n"
MENDED = MISSPELT.replace("paddin:", "padding:")
CHILD = "cnngen: 1\nextends: parent.yaml\nabout: Its child.\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `cnngen check` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["check", *arguments])

    return run


def put(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


def fixed(text: str, run: Run) -> str:
    """What becomes of a spec."""
    file = put("net.yaml", text)
    run("--fix", "net.yaml")
    return file.read_bytes().decode()


def model(text: str) -> str:
    """A spec with this below `model`, or with these parts."""
    text = text if "model:" in text else f"model:\n{text}"
    return HEAD + dedent(text).strip("\n") + "\n"


# --- What is fixed

PAIRS = {
    "an op": ("  stem: {cnov: {out: 8, kernel: 3}}", "  stem: {conv: {out: 8, kernel: 3}}"),
    "an op before a mistake of its own": (
        "  stem: {conv: {out: 8, kernel: 3}}\n  more: {lineer: {out: 8}}\n",
        "  stem: {conv: {out: 8, kernel: 3}}\n  more: {linear: {out: 8}}\n",
    ),
    "an op of a framework": ("  stem: {MaxPool2d: {kernel: 2}}", "  stem: {max_pool: {kernel: 2}}"),
    "case": ("  stem: [ReLU, ELU]", "  stem: [relu, elu]"),
    "an attribute": (
        "  stem: {conv: {out: 8, kernl: 3, strides: 2}}  # halves",
        "  stem: {conv: {out: 8, kernel: 3, stride: 2}}  # halves",
    ),
    "an op that hides mistakes": (
        "  stem: {Conv2D: {filters: 8, kernel_size: 3, padding: valid, use_bias: True}}",
        "  stem: {conv: {out: 8, kernel: 3, padding: 0, bias: true}}",
    ),
    "what is inferred": (
        """
        model:
          stem: {Conv2d: {in_channels: 3, out_channels: 8, kernel_size: 3}}
          norm: {BatchNorm2d: {num_features: 8}}
          more: {conv: {out: 8, kernel: 3, in_channels: 8}}
          last:
            - LeakyReLU:
                inplace: true
                slope: 0.1
        """,
        """
        model:
          stem: {conv: {out: 8, kernel: 3}}
          norm: {batch_norm: {}}
          more: {conv: {out: 8, kernel: 3}}
          last:
            - leaky_relu:
                slope: 0.1
        """,
    ),
    "words of other languages": (
        """
        params: {deep: true}
        blocks:
          A:
            about: One.
            params: {out: integer}
            body: {conv: {out: out, kernel: 3}}
        model:
          stem: {when: deep, then: [A: {out: 8}], otherwise: relu}
        """,
        """
        params: {deep: true}
        blocks:
          A:
            about: One.
            params: {out: int}
            body: {conv: {out: out, kernel: 3}}
        model:
          stem: {when: deep, do: [A: {out: 8}], else: relu}
        """,
    ),
    "a key of a step": (
        "  stem: {repeat: 2, doo: relu}",
        "  stem: {repeat: 2, do: relu}",
    ),
    "a parameter": (
        """
        params: {width: 8}  # channels
        model:
          stem: {conv: {out: 2 * widht, kernel: 3}}
        """,
        """
        params: {width: 8}  # channels
        model:
          stem: {conv: {out: 2 * width, kernel: 3}}
        """,
    ),
    "a stage": (
        """
        model:
          first: relu
          second: elu
          third: {relu: , from: frist}
          fourth: {branches: {a: identity, b: {from: second}}, join: concta}
        """,
        """
        model:
          first: relu
          second: elu
          third: {relu: , from: first}
          fourth: {branches: {a: identity, b: {from: second}}, join: concat}
        """,
    ),
    "operators": (
        "  stem: {when: 1 <> 2 && True, do: relu}",
        "  stem: {when: 1 != 2 and true, do: relu}",
    ),
    "an expression in flow style": (
        "  stem: {conv: {out: min(8, 16), kernel: 3}}",
        '  stem: {conv: {out: "min(8, 16)", kernel: 3}}',
    ),
    "two that stop YAML": (
        """
        params: {w: [8, 16]}
        model:
          stem: {conv: {out: w[0], kernel: 3}}
          more: {conv: {out: w[1], kernel: 3}}
        """,
        """
        params: {w: [8, 16]}
        model:
          stem: {conv: {out: "w[0]", kernel: 3}}
          more: {conv: {out: "w[1]", kernel: 3}}
        """,
    ),
    "tabs": (
        "model:\n\tstem:  # the\tfirst\n\t\t- relu\n\n\t\t- cnov: {out: 8, kernel: 3}\n",
        "model:\n  stem:  # the\tfirst\n    - relu\n\n    - conv: {out: 8, kernel: 3}\n",
    ),
    "a key that stands twice": (
        """
        params:
          width: 8  # channels
          # of all stages
          width: 8
        model:
          stem: {conv: {out: width, kernel: 3, kernel: 3}}
        """,
        """
        params:
          width: 8  # channels
          # of all stages
        model:
          stem: {conv: {out: width, kernel: 3}}
        """,
    ),
}


@pytest.mark.parametrize(("before", "after"), PAIRS.values(), ids=PAIRS)
def test_pairs(run: Run, before: str, after: str):
    assert fixed(model(before), run) == model(after)


@pytest.mark.parametrize("code", CODES)
def test_a_fix_of_an_explained_example_mends_it(run: Run, code: str):
    page = Page.of(code)
    if "= fix:" in page.output:
        text = fixed(page.failing, run)
        assert run("net.yaml").exit_code == 0
        assert len(text.splitlines()) <= len(page.failing.splitlines())


# --- What is not

TWO_BLOCKS = """\
blocks:
  A:
    about: One.
    params: {out: int}
    body: {conv: {out: out, kernel: 3}}
    B:
    about: Two.
    params: {out: int}
    body: {conv: {out: out, kernel: 1}}
model: {a: {A: {out: 8}}}
"""
LEFT = {
    "two candidates": "  stem: {celu: }\n  more: [relu, elu]\n",
    "a digit": "params: {w1: 8, w2: 16}\nmodel:\n  stem: {conv: {out: w3, kernel: w1 + w2}}\n",
    "a short word": "params: {w: 8}\nmodel:\n  stem: {conv: {out: v + w, kernel: 3}}\n",
    "two forms": "  stem: {conv: {out: 8, kernel: 3, init: xavier}}\n",
    "another value": "  stem: {conv: {out: 8, kernel: 3, kernel: 5}}\n",
    "a quote would stay": '  stem: {relu: {inplace: "true"}}\n',
    "a comment would go": "params:\n  w: 8\n  w: 8  # why\nmodel:\n  stem: {conv: {out: w, kernel: 3}}\n",
    "a stage that may lack its name": "  stem: {conv: {out: 8, kernel: 3}}\n  pool: relu\n  pool: relu\n",
    "a block indented into another": TWO_BLOCKS,
    "a block without its name": TWO_BLOCKS.replace("    B:\n", ""),
    "steps without their dashes": "  stem:\n    - conv:\n      out: 8\n      conv:\n      out: 8\n",
}


@pytest.mark.parametrize("text", LEFT.values(), ids=LEFT)
def test_left_as_they_are(run: Run, text: str):
    assert fixed(model(text), run) == model(text)
    assert run("--fix", "net.yaml").exit_code == 1


WHOLE = """\
cnngen: 1
name: Net
about: A small network.
input: {channels: 3, height: 32, width: 32}
params:
  classes: 10  # of the images
defaults:
  conv: {bias: false}
blocks:
  Residual:
    about: What it adds to its input.
    params: {hidden: int}
    body:
      branches:
        main: [{conv: {out: hidden, kernel: 3, padding: half}}, batch_norm]
        shortcut: {conv: {out: hidden, kernel: 1}}
      join: add
model:
  features:
    repeat: 2
    do:
      - Residual: {hidden: 16}
      - relu
  head: [global_avg_pool, flatten, {linear: {out: classes}}]
outputs: {logits: head}
"""


@pytest.mark.parametrize("word", sorted(set(re.findall("[A-Za-z_]{4,}", WHOLE))))
def test_a_slip_in_any_word_is_mended_or_left(run: Run, word: str):
    """A slip where a name is given may go the other way: then its uses follow."""
    slip = re.sub(rf"\b{word}\b", word[0] + word[2] + word[1] + word[3:], WHOLE, count=1)
    text = fixed(slip, run)
    assert text in (WHOLE, slip) or word in {"classes", "head", "hidden", "Residual"}
    assert text == slip or run("net.yaml").exit_code == 0


# --- What is printed


def test_what_was_fixed_comes_before_what_remains(run: Run):
    put("net.yaml", MISSPELT + "  head: frobnicate\n")
    done = run("--fix", "net.yaml")
    assert done.exit_code == 1
    assert done.stdout == (
        "net.yaml:6:37: fixed[unknown-attribute] `conv` has no attribute `paddin`: "
        "writes `padding`\nnet.yaml: 1 error\n"
    )
    assert done.stderr.startswith("error[unknown-op]: there is no op `frobnicate`")


def test_the_exit_code_is_that_of_the_result(run: Run):
    put("net.yaml", MISSPELT)
    assert run("--fix", "net.yaml").exit_code == 0


def test_fine_specs_are_not_written(run: Run):
    file = put("net.yaml", MENDED)
    before = file.stat()
    assert run("--fix", "net.yaml").stdout == "net.yaml: ok\n"
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_formats_for_programs_stay_whole(run: Run):
    put("net.yaml", MISSPELT)
    done = run("--fix", "--format", "json", "net.yaml")
    assert (done.exit_code, done.stdout) == (0, "[]\n")
    assert "fixed[unknown-attribute]" in done.stderr


def test_diff_shows_the_change_and_makes_none(run: Run):
    file = put("net.yaml", MISSPELT)
    done = run("--diff", "net.yaml")
    assert done.exit_code == 1
    assert done.stdout == (
        "--- net.yaml\n+++ net.yaml\n@@ -3,4 +3,4 @@\n about: A small network.\n"
        " input: {channels: 3, height: 32, width: 32}\n model:\n"
        "-  stem: {conv: {out: 16, kernel: 3, paddin: half}}\n"
        "+  stem: {conv: {out: 16, kernel: 3, padding: half}}\n"
    )
    assert done.stderr == ""
    assert file.read_text() == MISSPELT


@pytest.mark.parametrize("arguments", [["--fix"], ["--format", "json"]])
def test_diff_stands_alone(run: Run, arguments: list[str]):
    put("net.yaml", MISSPELT)
    assert run("--diff", *arguments, "net.yaml").exit_code == 2


# --- Files


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_stay(run: Run, mark: str):
    def stored(text: str) -> str:
        return mark + text.replace("\n", "\r\n")

    twice = MISSPELT.replace("model:", "params:\n  w: 8\n  w: 8\nmodel:")
    assert fixed(stored(twice), run) == stored(MENDED.replace("model:", "params:\n  w: 8\nmodel:"))


def test_the_mode_stays_and_nothing_is_left_beside(run: Run):
    file = put("net.yaml", MISSPELT)
    file.chmod(0o640)
    run("--fix", "net.yaml")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert sorted(os.listdir()) == ["net.yaml", "pyproject.toml"]


def test_a_parent_is_changed_only_if_it_is_named(run: Run):
    parent, child = put("parent.yaml", MISSPELT), put("child.yaml", CHILD)
    done = run("--fix", "child.yaml")
    assert done.exit_code == 1
    assert done.stderr.endswith(
        "`parent.yaml` is not named on the command line, so it is left as it is\n"
    )
    assert parent.read_text() == MISSPELT
    assert run("--fix", "child.yaml", "parent.yaml").exit_code == 0
    assert (parent.read_text(), child.read_text()) == (MENDED, CHILD)


def test_a_fix_of_a_parent_breaks_no_child_that_is_named(run: Run):
    parent = HEAD + "blocks:\n  Twice: {about: Two, body: [relu, relu]}\nmodel: {one: Twcie}\n"
    child = CHILD + "blocks:\n  Twice:\n"
    put("parent.yaml", parent), put("child.yaml", child)
    run("--fix", "parent.yaml", "child.yaml")
    mended = Path("parent.yaml").read_text()
    assert mended in (parent, parent.replace("Twcie", "Twice"))


def test_links_and_shipped_specs_are_left_alone(run: Run):
    file = put("elsewhere/net.yaml", MISSPELT)
    Path("net.yaml").symlink_to(file)
    assert run("--fix", "net.yaml").exit_code == 1
    assert file.read_text() == MISSPELT
    assert obstacle(Path("net.yaml")) == "is a link"
    assert {obstacle(path) for path in zoo().values()} == {"ships with cnngen"}


def test_a_file_that_changes_meanwhile_is_left_as_it_is(run: Run, monkeypatch: pytest.MonkeyPatch):
    file = put("net.yaml", MISSPELT)
    original = Path.read_bytes

    def changed(path: Path) -> bytes:
        return original(path) + b"# by somebody else\n"

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", changed)
        done = run("--fix", "net.yaml")
    assert done.exit_code == 2
    assert file.read_bytes().decode() == MISSPELT


def test_a_network_is_looked_at_once_where_nothing_is_mended(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    """The largest ones take seconds."""
    looked: list[Path] = []

    def counted(copies: Copies, path: Path) -> Findings:
        looked.append(path)
        return examine(copies, path)

    examine = Copies.examine
    monkeypatch.setattr(Copies, "examine", counted)
    put("net.yaml", MENDED)
    assert run("--diff", "net.yaml").exit_code == 0
    assert len(looked) == 1


def test_trials_end_with_their_time(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cnngen.fix.MOST_SECONDS", -1)
    file = put("net.yaml", MISSPELT)
    assert run("--fix", "net.yaml").exit_code == 1
    assert file.read_text() == MISSPELT
