"""What a folder means to a command: the specs in it, and nothing that is hidden or ignored by git."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from cnngen.cli import cli
from cnngen.locate import find_specs, is_spec

SPEC = "cnngen: 1\nname: Net # a net\nabout: A net.\ninput: {channels: 3, height: 8, width: 8}\nmodel: {a: relu}\n"
WORKFLOW = "on:   push\njobs: {a: {steps: [{run: 'cnngen: 1'}]}}\n"

Run = Callable[..., Result]


def put(path: str, text: str = SPEC) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "core.excludesFile=", *arguments], check=True, capture_output=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a repository with specs, other YAML files, and folders to be left alone."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    put(".gitignore", "scratch/\n/out\n")
    put(".github/workflows/ci.yml", WORKFLOW)
    put(".cache/net.yaml")
    put("mkdocs.yml", WORKFLOW)
    put("scratch/net.yaml")
    put("nets/scratch/deep/net.yaml")
    put("out/net.yaml")
    put("nets/one.yaml")
    put("nets/more/two.yml")
    put("nets/.hidden.yaml")
    return lambda *arguments, **named: CliRunner().invoke(cli, arguments, **named)


EXPECTED = ["nets/more/two.yml", "nets/one.yaml"]
LEFT_ALONE = [
    *(".github/workflows/ci.yml", ".cache/net.yaml", "mkdocs.yml", "scratch/net.yaml"),
    *("nets/scratch/deep/net.yaml", "out/net.yaml", "nets/.hidden.yaml"),
]


def test_check_takes_the_specs(run: Run):
    lines = run("check", ".").stdout.splitlines()
    assert lines == [*(f"{name}: ok" for name in EXPECTED), "2 specs: 2 ok"]


def test_fmt_leaves_other_files_alone(run: Run):
    before = {name: Path(name).read_bytes() for name in LEFT_ALONE}
    assert run("fmt", ".").stdout == "".join(f"formatted {name}\n" for name in EXPECTED)
    assert {name: Path(name).read_bytes() for name in LEFT_ALONE} == before


@pytest.mark.parametrize("command", ["build", "sizes", "list", "compare", "check --fix"])
def test_every_command_takes_the_same(run: Run, command: str):
    put("nets/one.yaml", SPEC.replace("name: Net", "name: One"))
    done = run(*command.split(), ".")
    assert done.exit_code == 0, done.output
    assert not [name for name in LEFT_ALONE if name in done.output]
    assert len(find_specs(".")) == 2


def test_build_check_counts_the_same(run: Run):
    run("build", "nets", "-o", "generated")
    assert run("build", "--check", ".", "-o", "generated").exit_code == 0


def test_a_folder_that_is_named_is_searched_whatever_it_is(run: Run):
    for folder in (".cache", "scratch", "nets/scratch", "nets/scratch/deep", "out"):
        assert run("check", folder).exit_code == 0


def test_a_file_that_is_named_stays_what_it_is(run: Run):
    assert run("check", ".cache/net.yaml").exit_code == 0
    done = run("check", "mkdocs.yml")
    assert done.exit_code == 1
    assert "mkdocs.yml:1:1" in done.stderr


def test_hooks_leave_out_what_a_folder_would(run: Run):
    names = [*EXPECTED, *LEFT_ALONE[:-4]]
    lines = run("check", "--only-specs", *names).stdout.splitlines()
    assert lines == [*(f"{name}: ok" for name in EXPECTED), "2 specs: 2 ok"]
    assert run("fmt", "--only-specs", *names).stdout.count("formatted") == 2
    for command in ("check", "fmt"):
        done = run(command, "--only-specs", "mkdocs.yml", ".github/workflows/ci.yml")
        assert (done.exit_code, done.output) == (0, "")
    assert run("check", "--only-specs", "nowhere.yaml").exit_code == 2


def test_without_a_repository_nothing_is_ignored(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    assert len(find_specs(".")) == 5


def test_a_repository_of_a_hook_is_not_asked(run: Run, monkeypatch: pytest.MonkeyPatch):
    """git tells its hooks where it is; this need not be where the folder is."""
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
    assert [str(path) for path in find_specs(".")] == EXPECTED


def test_a_repository_runs_no_program_of_its_own(run: Run):
    git("config", "core.fsmonitor", "touch stolen; false")
    assert len(find_specs(".")) == 2
    assert not Path("stolen").exists()


def test_what_git_has_is_not_ignored(run: Run):
    git("add", "-f", "scratch/net.yaml")
    assert [str(path) for path in find_specs(".")] == [*EXPECTED, "scratch/net.yaml"]


def test_a_repository_in_another_one_has_its_own_rules(run: Run):
    put("nets/other/mine/net.yaml")
    put("nets/other/net.yaml")
    put("nets/other/.gitignore", "mine/\n")
    git("init", "-q", "nets/other")
    assert [str(path) for path in find_specs(".")] == [*EXPECTED, "nets/other/net.yaml"]


def test_a_folder_without_specs_says_what_a_spec_is(run: Run):
    put("docs/mkdocs.yml", WORKFLOW)
    done = run("fmt", "docs")
    assert done.exit_code == 2
    assert "there is no spec below `docs`: no YAML file there has a key `cnngen`" in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "cnngen: 1",
        "cnngen : 1",
        "\ufeffcnngen: 1",
        '"cnngen": 1',
        "'cnngen': 1",
        "? cnngen\n: 1",
        "name: Net\ncnngen: 1",
        "name: Net\r\ncnngen: 1\r\n",
        "  name: Net\n  cnngen: 1",
        "# A net.\n\n---\n# More.\ncnngen: 1",
        "%YAML 1.2\n---\ncnngen: 1",
        "{name: Net, cnngen: 1}",
        '{"cnngen": 1, "name": "Net"}',
        "---\n{params: {a: 1}, cnngen: 1}",
        "--- {cnngen: 1}",
        # with mistakes
        "\tcnngen: 1",
        "cnngen: 1\nname: [Net",
        "cnngen:1\n",
        "name: [Net\ncnngen: 1\n",
    ],
)
def test_a_spec_has_the_key(text: str, tmp_path: Path):
    path = tmp_path / "net.yaml"
    path.write_bytes(text.encode())
    assert is_spec(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: Net",
        "# cnngen: 1",
        "tools: {cnngen: 1}",
        "{tools: {cnngen: 1}}",
        "{about: 'cnngen: 1'}",
        '{about: "a, cnngen: 1"}',
        "{a: 1, # cnngen: 1\nb: 1}",
        "tools:\n  cnngen: 1",
        "- cnngen: 1",
        "- a\n-\n  cnngen: 1",
        "about: |\n  cnngen: 1",
        "cnngen",
        "mycnngen: 1",
        "cnngen_version: 1",
        "[cnngen: 1]",
        "{" * 5000,
        "a: " * 5000,
    ],
)
def test_another_file_does_not(text: str, tmp_path: Path):
    path = tmp_path / "net.yaml"
    path.write_bytes(text.encode())
    assert not is_spec(path)


KEYS = st.sampled_from(["cnngen", "name", "tools", "a b", "x: y", "# z", '"', "'"])
TREES = st.recursive(
    st.sampled_from([1, "cnngen", "cnngen: 1", "a\ncnngen: 1\n", "{cnngen: 1}", None]),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(TREES, st.sampled_from([True, False, None]), st.booleans())
def test_the_search_agrees_with_yaml(tree: object, flow: bool | None, start: bool):
    text: str = yaml.safe_dump(tree, default_flow_style=flow, explicit_start=start)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "net.yaml")
        path.write_text(text, encoding="utf-8")
        assert is_spec(path) == (isinstance(tree, dict) and "cnngen" in tree), text


def test_what_cannot_be_read_may_be_a_spec(tmp_path: Path):
    path = tmp_path / "net.yaml"
    path.write_bytes(SPEC.encode("utf-16"))
    assert is_spec(path)
    path.write_text(f"about: {'ü' * 600_000}\n", encoding="utf-8")  # of which only a part is read
    assert not is_spec(path)
    assert not is_spec(tmp_path / "nowhere.yaml")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert not is_spec(path)


def test_a_link_out_of_the_project_is_refused_if_it_is_a_spec(run: Run, tmp_path: Path):
    (tmp_path.parent / "elsewhere.yaml").write_text(SPEC)
    (tmp_path.parent / "config.yaml").write_text(WORKFLOW)
    Path("nets/config.yaml").symlink_to("../../config.yaml")
    assert run("check", ".").exit_code == 0
    Path("nets/link.yaml").symlink_to("../../elsewhere.yaml")
    done = run("check", ".")
    assert done.exit_code == 2
    assert "`nets/link.yaml` is a link that leads out of its project" in done.stderr


def test_watch_takes_the_same(run: Run, monkeypatch: pytest.MonkeyPatch):
    edits = iter(
        [
            lambda: put("mkdocs.yml", WORKFLOW + "# more\n"),
            lambda: put(".cache/other.yaml"),
            lambda: put("scratch/other.yaml"),
            lambda: put("nets/three.yaml"),
            lambda: None,
        ]
    )

    def sleep(_: float) -> None:
        edit = next(edits, None)
        if edit is None:
            raise KeyboardInterrupt
        edit()

    monkeypatch.setattr("cnngen.commands.check.sleep", sleep)
    done = run("check", "--watch", ".")
    assert done.stdout.splitlines()[-1] == "3 specs: 3 ok"
    assert done.stderr.count("watching") == 2
