"""`cnngen completion`: its scripts in real shells, and what shells are told."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cnngen.cli import COMMANDS, cli
from cnngen.diagnostics.codes import CODES
from cnngen.locate import zoo
from cnngen.ops import OPS

# Each prints the words, one in a line, that the shell offers for the last word of "$1".
BASH = """
source <(cnngen completion bash)
read -ra COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_cnngen_completion cnngen
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = """
cnngen completion fish | source
complete --do-complete $argv[1] | string replace -r '\\t.*' ''
"""
SHELLS = {"bash": ["bash", "-c", BASH, "bash"], "fish": ["fish", "--no-config", "-c", FISH]}


def told(words: str, folder: Path) -> list[str]:
    """What cnngen tells bash about the last of the words, as `TYPE,WORD`."""
    count = len(shlex.split(words)) - (not words.endswith(" "))
    asked = {"_CNNGEN_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    done = subprocess.run(
        [sys.executable, "-m", "cnngen"],
        cwd=folder,
        env=os.environ | asked,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def offered(words: str, folder: Path) -> list[str]:
    lines = [line.split(",", 1) for line in told(words, folder)]
    assert all(kind == "plain" for kind, _ in lines)
    return [word for _, word in lines]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_asks_cnngen(shell: str):
    done = CliRunner().invoke(cli, ["completion", shell])
    assert done.exit_code == 0
    assert f"_CNNGEN_COMPLETE={shell}_complete" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cnngen che", ["check"]),
        ("cnngen check densenet26", ["densenet264"]),
        ("cnngen build densenet121 --target t", ["torch"]),
        ("cnngen ops leaky", ["leaky_relu"]),
    ],
)
def test_in_a_shell(shell: str, words: str, expected: list[str], tmp_path: Path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    command = tmp_path / "cnngen"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m cnngen "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        [*SHELLS[shell], words],
        cwd=tmp_path,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout.split(), done.stderr) == (expected, "")


def test_commands(tmp_path: Path):
    assert offered("cnngen ", tmp_path) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cnngen completion ", ["bash", "zsh", "fish"]),
        ("cnngen build --target ", ["all", "torch", "keras"]),
        ("cnngen explain ", list(CODES)),
        ("cnngen ops ", sorted(OPS)),
        ("cnngen verify --against ", ["torchvision", "timm", "keras.applications"]),
    ],
)
def test_words_of_arguments(words: str, expected: list[str], tmp_path: Path):
    assert offered(words, tmp_path) == expected


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "diff",
        "diff lenet5",
        "new mine --from",
        "weights convert a b --spec",
        "weights map",
    ],
)
def test_specs_of_the_zoo_and_of_the_folder(command: str, tmp_path: Path):
    for name in ("mine.yaml", "other.yml", "notes.txt", ".hidden.yaml", "a\nb.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "nets").mkdir()
    assert offered(f"cnngen {command} ", tmp_path) == [*zoo(), "mine.yaml", "nets/", "other.yml"]
    assert offered(f"cnngen {command} n", tmp_path) == [
        *("nasnet_mobile", "nin_cifar10", "nin_imagenet", "nets/")
    ]


def test_paths_are_left_to_the_shell(tmp_path: Path):
    assert told("cnngen check nets/m", tmp_path) == ["file,nets/m"]


def test_an_unreadable_folder_offers_the_zoo(tmp_path: Path):
    """A traceback would end up in the user's prompt."""
    folder = tmp_path / "gone"
    folder.mkdir()
    script = f"rmdir {shlex.quote(str(folder))}; exec {shlex.quote(sys.executable)} -m cnngen"
    asked = {"_CNNGEN_COMPLETE": "bash_complete", "COMP_WORDS": "cnngen check ", "COMP_CWORD": "2"}
    done = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=os.environ | asked, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [f"plain,{name}" for name in zoo()]
