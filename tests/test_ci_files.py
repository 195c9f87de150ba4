"""The hooks for pre-commit and the action for GitHub: what they run exists, and does what they say."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
SPEC = (ROOT / "specs" / "lenet5.yaml").read_text("utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a right and a wrong spec, and a `cnngen` as the action installs it."""
    for name, text in (("right", SPEC), ("wrong", SPEC.replace("linear:", "linaer:", 1))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "net.yaml").write_text(text, encoding="utf-8")
    command = tmp_path / "cnngen" / "bin" / "cnngen"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnngen "$@"\n')
    command.chmod(0o755)
    return tmp_path


def run(project: Path, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    path = f"{project}/cnngen/bin:{os.environ['PATH']}"
    variables |= {"PATH": path, "RUNNER_TEMP": str(project), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=project,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_hooks_run(hook: dict[str, Any], project: Path) -> None:
    entry = shlex.split(hook["entry"])
    names: tuple[list[str], list[str]] = (
        (["right/net.yaml"], ["wrong/net.yaml"]) if hook.get("pass_filenames", True) else ([], [])
    )
    if not names[0]:  # in a project with the usual folders
        (project / "right").rename(project / "specs")
        run(project, ["cnngen", "build"])
    assert run(project, [*entry, *names[0]]).returncode == 0
    if not names[0]:
        (project / "generated" / "net_torch.py").unlink()
    if "fmt" in entry:  # which does not mind the mistake in that one
        path = project / "wrong" / "net.yaml"
        path.write_text(path.read_text("utf-8") + "# the end", encoding="utf-8")
        assert run(project, [*entry, *names[1]]).returncode == 0
        assert path.read_text("utf-8").endswith("# the end\n")
        return
    fixes = "--fix" in entry
    assert run(project, [*entry, *names[1]]).returncode == (0 if fixes else 1)


def test_hooks_see_specs_only() -> None:
    import re

    (files,) = {hook["files"] for hook in HOOKS if hook.get("pass_filenames", True)}
    assert re.search(files, "specs/a/b.yaml") and re.search(files, "specs/b.yml")
    assert not re.search(files, ".github/workflows/ci.yaml")


def step(project: Path, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(project, ["bash", "-euo", "pipefail", "-c", STEPS[name]["run"]], **variables)


def test_the_action_annotates(project: Path) -> None:
    assert step(project, "Check specs", SPECS="right").returncode == 0
    result = step(project, "Check specs", SPECS="right wrong")
    assert result.returncode == 1
    assert result.stdout.startswith("::error ") and "file=wrong/net.yaml,line=" in result.stdout


def test_the_action_compares_generated_sources(project: Path) -> None:
    name, variables = "Check generated sources", {"SPECS": "right", "GENERATED": "out"}
    assert step(project, name, **variables).returncode == 1
    run(project, ["cnngen", "build", "right", "-o", "out"])
    assert step(project, name, **variables).returncode == 0


def test_inputs_of_the_action_are_no_commands(project: Path) -> None:
    step(project, "Check specs", SPECS="right; touch stolen $(touch stolen) --help")
    assert not (project / "stolen").exists()
    for each in STEPS.values():
        assert "${{" not in each["run"]
