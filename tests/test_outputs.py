"""What a command makes, where and how: pictures are not printed on screens, formats have one name."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cnngen
from cnngen.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda command: CliRunner().invoke(cli, command.split())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("draw lenet5 -o net.png --format svg", "`net.png` ends in .png, but `--format` is svg"),
        ("draw lenet5 -o NET.DOT --format mmd", "`NET.DOT` ends in .dot, but `--format` is mmd"),
        ("compare vgg11 vgg13 -o a.md --format csv", "`a.md` ends in .md, but `--format` is csv"),
        ("draw lenet5 -o net.txt", "does not end in .svg, .png, .pdf, .html, .dot or .mmd"),
        ("compare vgg11 vgg13 -o a.pdf", "`a.pdf` does not end in .txt, .md"),
    ],
)
def test_a_format_is_named_once(run: Run, command: str, said: str):
    done = run(command)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "command",
    ["draw lenet5 -o net.mmd", "draw lenet5 -o net.mmd --format mmd"]
    + ["draw lenet5 -o net.txt --format mmd", "compare vgg11 vgg13 -o a.md --format markdown"],
)
def test_what_agrees_is_written(run: Run, command: str):
    assert run(command).exit_code == 0
    assert len(list(Path().iterdir())) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no pseudo terminals")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("draw lenet5", 2, "a picture as svg goes to a file: add `-o lenet5.svg`"),
        ("draw lenet5 --format html", 2, "a picture as html goes to a file: add `-o lenet5.html`"),
        ("draw lenet5 --format mmd", 0, "flowchart"),
        ("draw lenet5 -o {folder}/net.mmd", 0, "wrote"),
        ("compare vgg11 vgg13 --format svg", 2, "add `-o networks.svg`"),
        ("compare vgg11 vgg13", 0, "VGG11"),
    ],
)
def test_a_picture_is_not_printed_on_a_terminal(tmp_path: Path, command: str, code: int, said: str):
    screen, terminal = os.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "cnngen", *command.format(folder=tmp_path).split()],
        cwd=Path(__file__).parent.parent,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    printed = b""
    try:
        while part := os.read(screen, 4096):
            printed += part
    except OSError:  # once the other end is closed
        pass
    os.close(screen)
    assert done.wait(timeout=60) == code, printed
    assert said in printed.decode()
    assert "<svg" not in printed.decode()


def test_a_summary_as_text_is_what_the_command_prints(run: Run):
    for name in ("lenet5", "googlenet"):
        assert f"{cnngen.load(name).summary()}\n" == run(f"summary {name}").stdout
    summary = cnngen.load("googlenet").summary(training=True)
    assert f"{summary}\n" == run("summary googlenet --training").stdout
    assert "network" not in summary.as_dict()
    assert summary == cnngen.load("googlenet").summary(training=True)


# --- diff


NET = """\
cnngen: 1
name: Net
about: A net.
params: {width: 4, depth: 2}
input: {channels: 3, height: 8, width: 8}
model: {a: {repeat: depth, do: {conv: {out: width, kernel: 1}}}}
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", None),
        ("--set width=8", None),
        ("--set-new width=8", "out 4 -> 8"),
        ("--set-old width=8", "out 8 -> 4"),
        ("--set-old width=8 --set-new width=6", "out 8 -> 6"),
        ("--set width=8 --set-new width=6", "out 8 -> 6"),
        ("--set depth=3 --set-old width=6", "out 6 -> 4"),
    ],
)
def test_settings_apply_where_they_are_told(run: Run, options: str, expected: str | None):
    Path("net.yaml").write_text(NET)
    done = run(f"diff net.yaml net.yaml {options}")
    assert done.exit_code == 0
    assert ("are the same network" in done.stdout) == (expected is None)
    assert expected is None or expected in done.stdout


def test_a_parameter_that_one_side_lacks(run: Run):
    Path("net.yaml").write_text(NET)
    Path("old.yaml").write_text(NET.replace("width: 4, ", "").replace("out: width", "out: 4"))
    assert run("diff old.yaml net.yaml --set width=8").exit_code == 1
    assert "out 4 -> 8" in run("diff old.yaml net.yaml --set-new width=8").stdout
    done = run("diff old.yaml net.yaml --set-new width=8")
    assert done.stdout.startswith("old.yaml -> net.yaml with width=8\n")
    assert run("diff old.yaml net.yaml --set-new width").exit_code == 2
