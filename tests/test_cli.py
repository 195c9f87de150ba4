"""The command line: its exit codes, what it prints where, and which files it writes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnngen import __version__
from cnngen.cli import cli
from cnngen.diagnostics.codes import CODES
from cnngen.locate import zoo
from cnngen.ops import OPS

ROOT = Path(__file__).parent.parent

FINE = """\
cnngen: 1
name: Small
about: A small network.
params: {classes: 10, width: 8}
input: {channels: 3, height: 32, width: 32}
model:
  stem: {conv: {out: width, kernel: 3, padding: half}}
  head: [relu, global_avg_pool, flatten, {linear: {out: classes}}]
"""
WRONG = FINE.replace("padding", "paddin")
NO_KERAS = FINE.replace(
    "conv: {out: width, kernel: 3, padding: half}",
    "transposed_conv: {out: width, kernel: 3, groups: 3}",
).replace("width: 8", "width: 9")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder whose `specs` are `small.yaml` and what the test adds."""
    monkeypatch.chdir(tmp_path)
    put("specs/small.yaml", FINE)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return run


def put(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, in the folder of the project."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


# --- The front


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["build", "--help"], ["summary", "--help"], ["list", "--help"]],
)
def test_the_front_imports_no_compiler(arguments: list[str]):
    code = (
        "import sys; from cnngen.cli import cli; cli.main(sys.argv[1:], standalone_mode=False);"
        "print({'networkx', 'jinja2', 'yaml'} & set(sys.modules))"
    )
    done = process("-c", code, *arguments)
    assert done.stdout.splitlines()[-1] == "set()"


def test_check_imports_no_templates():
    code = (
        "import sys; from cnngen.cli import cli;"
        "cli.main(['check', 'lenet5'], standalone_mode=False);"
        "print('jinja2' in sys.modules)"
    )
    assert process("-c", code).stdout.splitlines()[-1] == "False"


def test_version(run: Run):
    assert run("--version").output == f"cnngen {__version__}\n"


def test_module_and_script_are_one():
    assert process("-m", "cnngen", "--version").stdout == f"cnngen {__version__}\n"


# --- What a SPEC is


def test_no_spec_means_the_folder_specs(run: Run):
    assert run("check").stdout == "specs/small.yaml: ok\n"


def test_without_a_folder_specs_a_spec_must_be_named(run: Run):
    Path("specs/small.yaml").unlink()
    Path("specs").rmdir()
    assert run("check").exit_code == 2


def test_a_folder_means_all_specs_below_it_in_order(run: Run):
    put("specs/b/z.yml", FINE)
    put("specs/b/a.yaml", FINE)
    put("specs/b/notes.txt", "no spec")
    put("elsewhere/x.yaml", FINE)
    Path("specs/c").symlink_to("../elsewhere")
    done = run("check", "specs")
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        *("specs/b/a.yaml", "specs/b/z.yml", "specs/small.yaml"),
        "3 specs",
    ]


def test_a_folder_without_specs_is_wrong_use(run: Run):
    Path("empty").mkdir()
    assert run("check", "empty").exit_code == 2


@pytest.mark.parametrize("name", ["resnet50", "densenet121"])
def test_a_bare_name_is_a_spec_of_the_zoo(run: Run, name: str):
    done = run("check", name)
    assert (done.exit_code, done.stdout) == (0, f"{zoo()[name]}: ok\n")


def test_a_path_comes_before_the_zoo(run: Run):
    put("resnet50", FINE)
    assert run("summary", "--format", "json", "resnet50").exit_code == 0
    assert json.loads(run("summary", "--format", "json", "resnet50").stdout)["name"] == "Small"


def test_an_unknown_spec_is_wrong_use_with_a_guess(run: Run):
    done = run("check", "densnet121")
    assert done.exit_code == 2
    assert "did you mean `densenet121`?" in done.stderr


# --- check


def test_check_prints_verdicts_to_stdout_and_mistakes_to_stderr(run: Run):
    put("specs/wrong.yaml", WRONG)
    done = run("check")
    assert done.exit_code == 1
    assert done.stdout == (
        "specs/small.yaml: ok\nspecs/wrong.yaml: 1 error\n2 specs: 1 ok, 1 with errors\n"
    )
    assert done.stderr.startswith("error[unknown-attribute]: `conv` has no attribute `paddin`")


def test_warnings_are_shown_and_are_fine(run: Run):
    put("specs/small.yaml", FINE.replace("width: 8}", "width: 8, spare: 1}"))
    done = run("check")
    assert (done.exit_code, done.stdout) == (0, "specs/small.yaml: ok\n")
    assert "warning[unused-parameter]" in done.stderr


def test_an_unreadable_file_is_code_2(run: Run):
    Path("specs/small.yaml").write_bytes(b"\xff")
    done = run("check")
    assert done.exit_code == 2
    assert "error[unreadable]" in done.stderr


@pytest.mark.parametrize("format", ["json", "sarif", "github"])
def test_formats_for_programs_go_to_stdout(run: Run, format: str):
    put("specs/wrong.yaml", WRONG)
    done = run("check", "--format", format)
    assert (done.exit_code, done.stderr) == (1, "")
    assert "paddin" in done.stdout
    if format != "github":
        json.loads(done.stdout)


def test_the_format_json_of_fine_specs_is_an_empty_list(run: Run):
    assert json.loads(run("check", "--format", "json").stdout) == []


def test_a_mistake_of_a_shared_parent_is_shown_once(run: Run):
    put("specs/small.yaml", WRONG)
    put("specs/child.yaml", "cnngen: 1\nextends: small.yaml\nabout: Its child.\n")
    done = run("check")
    assert "2 specs: 0 ok, 2 with errors" in done.stdout
    assert done.stderr.count("error[") == 1


def test_set_and_input_change_what_is_checked(run: Run):
    assert run("check", "--set", "width=0").exit_code == 1
    assert run("check", "--input", "3x1x1").exit_code == 0
    assert run("check", "--max-layers", "2").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "width"],
        ["--set", "width="],
        ["--set", "=1"],
        ["--set", "width=1", "--set", "width=2"],
        ["--input", "3x32"],
        ["--input", "3x32x0"],
        ["--max-layers", "0"],
        ["--format", "xml"],
        ["--strict"],
    ],
)
def test_malformed_options_are_wrong_use(run: Run, arguments: list[str]):
    assert run("check", *arguments).exit_code == 2


def test_no_color_where_there_is_no_terminal(run: Run):
    put("specs/wrong.yaml", WRONG)
    assert "\x1b" not in run("check").output


# --- build


def built(folder: str = "generated") -> set[str]:
    return {path.name for path in Path(folder).iterdir()}


def test_build_writes_both_targets_and_then_leaves_them_alone(run: Run):
    assert run("build").stdout.splitlines() == [
        "wrote generated/small_torch.py",
        "wrote generated/small_keras.py",
    ]
    before = Path("generated/small_torch.py").stat()
    assert run("build").stdout.splitlines()[0] == "unchanged generated/small_torch.py"
    assert Path("generated/small_torch.py").stat().st_mtime_ns == before.st_mtime_ns
    assert built() == {"small_torch.py", "small_keras.py"}


def test_build_writes_newlines_as_they_are_and_respects_the_umask(run: Run):
    old = os.umask(0o027)
    try:
        run("build", "-o", "out", "--target", "torch")
    finally:
        os.umask(old)
    file = Path("out/small_torch.py")
    assert b"\r" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640
    assert built("out") == {"small_torch.py"}


def test_an_overwritten_file_keeps_its_mode_and_a_link_stays_one(run: Run):
    run("build", "--target", "torch")
    file = Path("generated/small_torch.py").rename("elsewhere.py")
    file.chmod(0o600)
    Path("generated/small_torch.py").symlink_to("../elsewhere.py")
    put("specs/small.yaml", FINE.replace("classes: 10", "classes: 11"))
    assert run("build", "--target", "torch").exit_code == 0
    assert Path("generated/small_torch.py").is_symlink()
    assert "classes: int = 11" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    run("build", "--target", "torch")
    old = Path("generated/small_torch.py").read_bytes()
    put("specs/small.yaml", FINE.replace("classes: 10", "classes: 11"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    done = run("build", "--target", "torch")
    assert done.exit_code == 2
    assert "no space left on device" in done.stderr
    assert Path("generated/small_torch.py").read_bytes() == old
    assert built() == {"small_torch.py"}


def test_a_file_without_its_header_belongs_to_somebody(run: Run):
    run("build", "--target", "torch")
    file = Path("generated/small_torch.py")
    own = file.read_text().replace("Generated by cnngen from", "Once generated from")
    file.write_text(own)
    done = run("build", "--target", "torch")
    assert done.exit_code == 1
    assert "--force" in done.stderr
    assert file.read_text() == own
    assert run("build", "--target", "torch", "--force").stdout == f"wrote {file}\n"
    assert "Generated by cnngen" in file.read_text()


def test_a_long_title_does_not_hide_the_header(run: Run):
    paper = f"paper: {{title: '{'Word ' * 99}', url: '{'u' * 400}'}}\n"
    put("specs/small.yaml", FINE + paper)
    run("build", "--target", "torch")
    put("specs/small.yaml", FINE)
    assert run("build", "--target", "torch").stdout == "wrote generated/small_torch.py\n"


def test_valid_specs_are_written_though_others_fail(run: Run):
    put("specs/another.yaml", WRONG)
    put("specs/no-name.yaml", FINE)
    done = run("build", "--target", "torch")
    assert done.exit_code == 2
    assert "error[unknown-attribute]" in done.stderr
    assert "`no-name` cannot be a name" in done.stderr
    assert built() == {"small_torch.py"}


def test_two_specs_of_one_name_write_nothing(run: Run):
    put("specs/other/small.yml", FINE)
    done = run("build")
    assert done.exit_code == 2
    assert not Path("generated").exists()


def test_a_spec_named_twice_is_built_once(run: Run):
    assert len(run("build", "specs", "specs/small.yaml", "./specs").stdout.splitlines()) == 2


def test_set_needs_an_output_folder_and_is_recorded(run: Run):
    assert run("build", "--set", "width=16").exit_code == 2
    assert not Path("generated").exists()
    arguments = ["--set", "width = 16", "--set", "classes=5", "--input", "3x64x64"]
    assert run("build", "-o", "out", *arguments).exit_code == 0
    text = Path("out/small_torch.py").read_text()
    assert "from small.yaml with classes=5, width=16, input=3x64x64." in text
    assert "width: int = 16" in text
    assert (
        "input_shape: tuple[int | None, int | None, int] = (64, 64, 3)"
        in Path("out/small_keras.py").read_text()
    )


def test_the_order_of_the_command_line_does_not_matter(run: Run):
    put("specs/other.yaml", FINE)
    run(
        "build",
        "specs/small.yaml",
        "specs/other.yaml",
        "-o",
        "a",
        "--set",
        "width=4",
        "--set",
        "classes=2",
    )
    run(
        "build",
        "specs/other.yaml",
        "specs/small.yaml",
        "-o",
        "b",
        "--set",
        "classes=2",
        "--set",
        "width=4",
    )
    for name in built("a") | built("b"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_build_checks_without_writing(run: Run):
    done = run("build", "--check")
    assert done.exit_code == 1
    assert done.stdout == "missing generated/small_torch.py\nmissing generated/small_keras.py\n"
    assert not Path("generated").exists()
    run("build")
    assert (run("build", "--check").exit_code, run("build", "--check").stdout) == (
        0,
        "2 files are up to date\n",
    )
    put("specs/small.yaml", FINE.replace("classes: 10", "classes: 11"))
    old = Path("generated/small_torch.py").read_bytes()
    done = run("build", "--check", "--target", "torch")
    assert (done.exit_code, done.stdout) == (1, "stale generated/small_torch.py\n")
    assert Path("generated/small_torch.py").read_bytes() == old


def test_build_check_of_a_folder_finds_orphans(run: Run):
    put("specs/gone.yaml", FINE)
    run("build")
    Path("specs/gone.yaml").unlink()
    put("generated/own.py", "# somebody's own\n")
    done = run("build", "--check", "specs")
    assert done.exit_code == 1
    assert done.stdout == "orphan generated/gone_keras.py\norphan generated/gone_torch.py\n"
    assert run("build", "--check", "--target", "torch", "specs/small.yaml").exit_code == 0


def test_what_a_target_lacks_is_reported_and_the_other_is_written(run: Run):
    put("specs/small.yaml", NO_KERAS)
    done = run("build")
    assert done.exit_code == 1
    assert "error[unsupported-op]" in done.stderr
    assert "Conv2DTranspose" in done.stderr
    assert built() == {"small_torch.py"}


# --- templates and targets of others


def test_a_template_of_the_user_comes_first(run: Run):
    put("mine/torch/ops/relu.jinja", "nn.ReLU(inplace=True)")
    assert run("build", "--templates", "mine", "--target", "torch").exit_code == 0
    assert "nn.ReLU(inplace=True)" in Path("generated/small_torch.py").read_text()


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ nope }}", "mine/torch/ops/relu.jinja:1: 'nope' is undefined"),
        ("\n{% if %}", "mine/torch/ops/relu.jinja:2: Expected an expression"),
        ("{{ 1 / 0 }}", "mine/torch/ops/relu.jinja:1: ZeroDivisionError"),
        ("{% include 'x.jinja' %}", "there is no template `x.jinja`"),
        ("nn.ReLU((", "the templates do not give Python"),
    ],
)
def test_a_mistake_in_a_template_is_an_error_with_its_place(run: Run, template: str, message: str):
    put("mine/torch/ops/relu.jinja", template)
    done = run("build", "--templates", "mine", "--target", "torch")
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not Path("generated").exists()


def test_the_folder_of_templates_must_exist(run: Run):
    assert run("build", "--templates", "nowhere").exit_code == 2


def test_a_target_of_others_is_found_by_its_entry_point(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    put("site/outline.py", "def render(network, settings=(), folders=()):\n    return '# hi\\n'\n")
    put("site/outline-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: outline\nVersion: 1\n")
    put("site/outline-1.dist-info/entry_points.txt", "[cnngen.targets]\noutline = outline\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert run("build", "--target", "outline").stdout == "wrote generated/small_outline.py\n"
    done = run("build", "--target", "outlin")
    assert done.exit_code == 2
    assert "did you mean `outline`?" in done.stderr


# --- explain, ops, schema


def test_explain(run: Run):
    assert run("explain", "cycle").stdout.startswith("# cycle\n")
    assert [line.split()[0] for line in run("explain").stdout.splitlines()] == list(CODES)
    done = run("explain", "shape-missmatch")
    assert done.exit_code == 2
    assert "did you mean `shape-mismatch`?" in done.stderr


@pytest.mark.parametrize("op", OPS)
def test_every_op_has_a_page(run: Run, op: str):
    text = run("ops", op).stdout
    assert text.startswith(f"{op} ({OPS[op].group})\n")
    assert all(attribute.about in text for attribute in OPS[op].attributes.values())
    assert "torch: " in text


def test_ops(run: Run):
    listed = run("ops").stdout
    assert all(op in listed for op in OPS)
    assert run("ops", "con").exit_code == 2


def test_support_is_what_targets_declare(run: Run):
    assert (
        "keras: partly: Keras' Conv2DTranspose has no groups"
        in run("ops", "transposed_conv").stdout
    )
    assert "keras: yes" in run("ops", "linear").stdout


def test_the_reference_of_the_ops_is_up_to_date(run: Run):
    """If not: `cnngen ops --format markdown > docs/ops.md`."""
    assert (ROOT / "docs/ops.md").read_text() == run("ops", "--format", "markdown").stdout


def test_schema(run: Run):
    assert json.loads(run("schema").stdout)["$schema"].startswith("http://json-schema.org/draft-07")


# --- Trouble


def test_a_bug_is_reported_as_ours(run: Run, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise AssertionError("the sky is falling")

    monkeypatch.setattr("cnngen.check.analyse_file", broken)
    done = run("check", "specs/small.yaml")
    assert done.exit_code == 70
    assert "this is a bug in cnngen: AssertionError: the sky is falling" in done.stderr
    assert __version__ in done.stderr
    assert "specs/small.yaml" in done.stderr
    assert "issue tracker" in done.stderr
    assert "Traceback" not in done.stderr
    monkeypatch.setenv("CNNGEN_DEBUG", "1")
    assert "Traceback" in run("check").stderr


def test_an_interrupt_is_quiet(run: Run, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cnngen.check.analyse_file", interrupted)
    done = run("check")
    assert (done.exit_code, done.output) == (130, "")


def test_a_closed_pipe_is_quiet():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "cnngen", "ops"], cwd=ROOT, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such pipes")
def test_a_pipe_stays_one(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "cnngen", "compare", "vgg11", "vgg13", "--format", "csv"]
    with subprocess.Popen([*command, "-o", str(pipe)], cwd=ROOT, stdout=subprocess.DEVNULL):
        assert pipe.read_text(encoding="utf-8").startswith("name,year,")
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is full")
@pytest.mark.parametrize("argument", ["ops", "--help"])
def test_a_full_disk_is_no_bug(argument: str):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cnngen", argument],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
    said = b"error: the output cannot be written: no space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_names_do_not_need_a_terminal_with_utf8(tmp_path: Path):
    spec = tmp_path / "größe.yaml"
    spec.write_text(FINE)
    done = process("-m", "cnngen", "check", str(spec), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_hash_seed_does_not_matter(tmp_path: Path):
    for seed in ("0", "1"):
        folder = str(tmp_path / seed)
        done = process("-m", "cnngen", "build", "-o", folder, "specs", PYTHONHASHSEED=seed)
        assert done.returncode == 0
    for path in (tmp_path / "0").iterdir():
        assert path.read_bytes() == (tmp_path / "1" / path.name).read_bytes()
