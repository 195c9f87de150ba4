"""`-`, the standard input in the place of a spec, and the name that `--stdin-filename` gives it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnngen.cli import cli

ROOT = Path(__file__).parent.parent
SPEC = """\
cnngen: 1
name: Small
about: A small network.
params: {classes: 10, width: 8}
input: {channels: 3, height: 32, width: 32}
model:
  stem: {conv: {out: width, kernel: 3, padding: half}}
  head: [relu, global_avg_pool, flatten, {linear: {out: classes}}]
"""
WRONG = SPEC.replace("padding", "paddin")
CHILD = "cnngen: 1\nextends: ../lib/base.yaml\nname: Child\nabout: A child.\n"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a project with `lib/base.yaml` and `nets/small.yaml`."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").touch()
    for name in ("lib/base.yaml", "nets/small.yaml"):
        Path(name).parent.mkdir()
        Path(name).write_text(SPEC)

    def run(command: str, input: str | bytes = SPEC) -> Result:
        return CliRunner().invoke(cli, command.split(), input=input)

    return run


def test_check(run: Run):
    done = run("check -")
    assert (done.exit_code, done.output) == (0, "<stdin>: ok\n")
    done = run("check -", WRONG)
    assert done.exit_code == 1
    assert done.stdout == "<stdin>: 1 error\n"
    assert "--> <stdin>:7:40" in done.stderr


def test_check_with_a_name(run: Run):
    done = run("check - --stdin-filename nets/net.yaml", WRONG)
    assert done.stdout == "nets/net.yaml: 1 error\n"
    assert "--> nets/net.yaml:7:40" in done.stderr
    (found,) = json.loads(run("check - --stdin-filename nets/net.yaml --format json", WRONG).stdout)
    assert found["file"] == "nets/net.yaml"


def test_extends_is_relative_to_the_name(run: Run):
    done = run("check - --stdin-filename nets/child.yaml", CHILD)
    assert (done.exit_code, done.output) == (0, "nets/child.yaml: ok\n")
    done = run("check -", CHILD.replace("../lib", "lib"))
    assert (done.exit_code, done.output) == (0, "<stdin>: ok\n")
    assert "is outside of the project" in run("check -", CHILD).stderr


def test_the_text_stands_for_the_file(run: Run):
    """An editor sends what is not saved yet."""
    assert run("check - --stdin-filename nets/small.yaml", WRONG).exit_code == 1
    assert run("check nets/small.yaml").exit_code == 0
    assert run("check - --stdin-filename nets/small.yaml", SPEC).exit_code == 0
    itself = CHILD.replace("../lib/base.yaml", "small.yaml")
    done = run("check - --stdin-filename nets/small.yaml", itself)
    assert "extends itself in the end" in done.stderr


def test_it_is_not_remembered(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CNNGEN_CACHE_DIR", "cache")
    for text, code in ((SPEC, 0), (WRONG, 1), (SPEC, 0)):
        assert run("check - --stdin-filename nets/small.yaml", text).exit_code == code
    assert not Path("cache").exists()


def test_it_may_stand_beside_others_also_in_other_processes(run: Run):
    for jobs in ("1", "3"):
        done = run(f"check nets lib - --jobs {jobs} --stdin-filename nets/net.yaml", WRONG)
        assert done.stdout.splitlines()[:3] == [
            *("nets/small.yaml: ok", "lib/base.yaml: ok", "nets/net.yaml: 1 error")
        ]


def test_advice_is_tried_on_it(run: Run):
    """What would help is seen by reading the spec again."""
    text = SPEC.replace("head: [relu,", "head: [{max_pool: {kernel: 64}}, relu,")
    said = [
        run(f"check {spec}", text).stderr.replace("<stdin>", "small.yaml")
        for spec in ("-", "- --stdin-filename small.yaml")
    ]
    Path("small.yaml").write_text(text)
    assert said == [run("check small.yaml").stderr] * 2
    assert "the nearest size that works is" in said[0]


def test_what_a_fix_would_change_is_shown(run: Run):
    for name, arguments in (("<stdin>", ""), ("nets/a.yaml", " --stdin-filename nets/a.yaml")):
        done = run(f"check --diff -{arguments}", WRONG)
        assert done.exit_code == 1
        assert done.stdout.startswith(f"--- {name}\n+++ {name}\n")
        assert "+  stem: {conv: {out: width, kernel: 3, padding: half}}\n" in done.stdout
        assert done.stderr == ""


def test_build(run: Run):
    done = run("build -")
    assert done.exit_code == 2
    assert "`-` needs `--stdin-filename`" in done.stderr
    done = run("build - --stdin-filename nets/net.yaml")
    assert done.stdout == "wrote generated/net_torch.py\nwrote generated/net_keras.py\n"
    assert "from net.yaml." in Path("generated/net_torch.py").read_text()
    assert run("build - --check --stdin-filename nets/net.yaml").exit_code == 0
    assert run("build - --check --stdin-filename net.yaml", SPEC + "# \n").exit_code == 0
    assert run("build - --stdin-filename my-net.yaml").exit_code == 2


@pytest.mark.parametrize(
    "command",
    ["summary", "summary --format json", "sizes", "draw --format dot", "list", "list --format csv"]
    + ["compare resnet18", "diff resnet18", "draw --format mmd --set width=16"],
)
def test_every_command_says_of_it_what_it_says_of_a_file(run: Run, command: str):
    named = run(f"{command} nets/small.yaml")
    assert named.exit_code == 0, named.output
    given = run(f"{command} - --stdin-filename nets/small.yaml")
    assert given.output.replace("<stdin>", "nets/small.yaml") == named.output
    given = run(f"{command} -")
    assert given.exit_code == 0
    assert len(given.output.splitlines()) == len(named.output.splitlines())


def test_html_shows_its_text(run: Run):
    assert "A small network." in run("draw - --format html").stdout


def test_fmt(run: Run):
    done = run("fmt - --stdin-filename nets/net.yaml", "name: [Net")
    assert "nets/net.yaml:1:7" in done.stderr
    done = run("fmt - --diff --stdin-filename nets/net.yaml", "cnngen:  1\n")
    assert done.stdout.startswith("--- nets/net.yaml\n")


def test_diff_of_a_file_and_the_standard_input(run: Run):
    done = run("diff nets/small.yaml - --exit-code", SPEC.replace("relu", "tanh"))
    assert done.exit_code == 1
    assert done.stdout.startswith("nets/small.yaml -> <stdin>\n")
    done = run("diff - nets/small.yaml")
    assert done.stdout == "<stdin> and nets/small.yaml are the same network\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("check - -", "`-` can be given once"),
        ("diff - -", "`-` can be given once"),
        ("check nets --stdin-filename x.yaml", "`--stdin-filename` is the name of `-`"),
        ("check --fix -", "are for files"),
        ("check --watch -", "are for files"),
        ("fmt - nets", "`-` stands alone"),
        ("new net --from -", "`new` takes no `-`"),
        ("weights map -", "`map` takes no `-`"),
    ],
)
def test_wrong_use(run: Run, command: str, said: str):
    done = run(command)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("input", [b"", b"\xff", b"\0", b"a: [", b"#" * 1_000_001])
def test_what_is_no_spec(run: Run, input: bytes):
    done = run("check -", input)
    assert done.exit_code in (1, 2)
    assert "<stdin>" in done.stderr


def test_a_file_of_this_name_is_named_otherwise(run: Run):
    Path("-").write_text(WRONG)
    assert "bad-name" in run("check ./-").stderr


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("check - <&-", 2, "the standard input is closed"),
        ("check - < specs/lenet5.yaml", 0, ""),
        ("check <(cat specs/lenet5.yaml)", 2, "given to the standard input, `-`"),
        ("check /dev/stdin < specs/lenet5.yaml", 2, "given to the standard input, `-`"),
        ("check /dev/stdin <<< text", 2, "given to the standard input, `-`"),
        ("check /dev/null", 2, "given to the standard input, `-`"),
    ],
)
def test_streams_of_a_shell(command: str, code: int, said: str):
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m cnngen {command}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done
    assert said in done.stderr
