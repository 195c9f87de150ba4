"""`docs/editors.md`: what can be tested of it without an editor."""

import json
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from cnngen.cli import cli

PAGE = Path(__file__).parent.parent / "docs" / "editors.md"
SPEC = "cnngen: 1\nname: Net\nabout: A.\nmodel: {stem: reLu}\n"
SPEC += "input: {channels: 3, height: 32, width: 32}\n"


def settings() -> dict[str, Any]:
    """The blocks of JSON, by the file that the text before each names."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.findall(r"`(\.vscode/\w+\.json)`[^`]*```json\n(.*?)```", text, re.DOTALL)
    return {file: json.loads(block) for file, block in found}


def test_the_settings_are_json():
    assert set(settings()) == {".vscode/settings.json", ".vscode/tasks.json"}


def test_the_matcher_of_problems_reads_what_check_prints(tmp_path: Path):
    (task,) = settings()[".vscode/tasks.json"]["tasks"]
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    printed = CliRunner().invoke(cli, [*task["args"], str(path)]).output
    pattern = task["problemMatcher"]["pattern"]
    (line,) = printed.splitlines()
    found = re.fullmatch(pattern["regexp"], line)
    assert found
    keys = ("file", "line", "column", "severity", "code")
    expected = [str(path), "4", "15", "error", "unknown-op"]
    assert [found[pattern[key]] for key in keys] == expected
    assert "reLu" in found[pattern["message"]]
