"""Files of users: links that lead out of a project, what is no file, two that write at once, and from
which spec a generated file is.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnngen.analysis import analyse_file
from cnngen.cli import cli
from cnngen.diagnostics.model import Report
from cnngen.files import leads_out, replaced, write_file
from cnngen.targets.files import State, origin, state
from cnngen.targets.generate import generate

ROOT = Path(__file__).parent.parent
FINE = """\
cnngen: 1
name: Small
about: A small network.
input: {channels: 3,  height: 32, width: 32}
model: {stem: relu}
"""
SECRET = "key: hunter2\n"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in a project beside which is a secret."""
    (tmp_path / "secret.yaml").write_text(SECRET)
    (tmp_path / "fine.yaml").write_text(FINE)
    project = tmp_path / "project"
    (project / "specs").mkdir(parents=True)
    (project / "pyproject.toml").touch()
    (project / "specs" / "small.yaml").write_text(FINE)
    monkeypatch.chdir(project)
    return lambda *arguments: CliRunner().invoke(cli, arguments)


# --- Reading


COMMANDS = [
    ["check"],
    ["check", "--no-cache"],
    ["check", "--fix"],
    ["check", "--diff"],
    ["build"],
    ["fmt"],
    ["fmt", "--diff"],
    ["summary"],
    ["sizes"],
    ["draw"],
    ["list"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_link_out_of_the_project_is_not_read(run: Run, command: list[str]):
    Path("specs/link.yaml").symlink_to("../../secret.yaml")
    done = run(*command, "specs/link.yaml")
    assert done.exit_code == 2
    assert "`specs/link.yaml` is a link that leads out of its project" in done.output
    assert "hunter2" not in done.output
    assert Path("../secret.yaml").read_text() == SECRET


def test_a_folder_that_is_a_link_out_of_the_project_is_not_read(run: Run, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / ".git").mkdir()  # a project of its own, which was not asked for
    (other / "net.yaml").write_text(FINE)
    Path("nets").symlink_to("../other")
    for name in ("nets/net.yaml", "nets/../other/net.yaml"):
        assert run("check", name).exit_code == 2
    assert run("check", "../other/net.yaml").exit_code == 0


def test_what_was_right_as_a_file_is_not_remembered_as_a_link(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CNNGEN_CACHE_DIR", "cache")
    Path("specs/net.yaml").write_text(FINE)
    assert run("check", "specs/net.yaml").exit_code == 0
    Path("specs/net.yaml").unlink()
    Path("specs/net.yaml").symlink_to("../../fine.yaml")
    assert run("check", "specs/net.yaml").exit_code == 2


def test_a_link_inside_of_the_project_is_read(run: Run):
    Path("specs/link.yaml").symlink_to("small.yaml")
    Path("nets").symlink_to("specs")
    assert run("check", "specs/link.yaml", "nets/small.yaml").exit_code == 0


def test_specs_of_the_zoo_may_be_links(run: Run, monkeypatch: pytest.MonkeyPatch):
    """As an installer makes them that keeps one copy for all environments."""
    Path("environment").mkdir()
    Path("environment/fine.yaml").symlink_to("../../fine.yaml")
    monkeypatch.setattr("cnngen.locate.SPECS", Path("environment"))
    assert run("check", "fine").exit_code == 0
    done = run("fmt", "fine")
    assert done.exit_code == 2 and "ships with cnngen" in done.stderr
    assert Path("../fine.yaml").read_text() == FINE


def test_links_of_the_system_may_lead_anywhere(tmp_path: Path):
    (tmp_path / "disk" / "home").mkdir(parents=True)
    (tmp_path / "home").symlink_to("disk/home")
    assert not leads_out(tmp_path / "home" / "net.yaml")


def test_without_a_project_a_link_stays_below_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "here" / "a").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    Path("a/in.yaml").symlink_to("../x.yaml")
    Path("a/out.yaml").symlink_to("../../x.yaml")
    assert not leads_out(Path("a/in.yaml"))
    assert leads_out(Path("a/out.yaml"))
    Path("b").symlink_to("a")
    Path("c").symlink_to("..")
    assert not leads_out(Path("b/net.yaml"))
    assert leads_out(Path("c/net.yaml"))
    monkeypatch.chdir(tmp_path)
    assert not leads_out(Path("here/a/out.yaml"))
    monkeypatch.chdir("/")
    assert leads_out(tmp_path / "here" / "a" / "in.yaml")
    assert not leads_out(tmp_path / "here" / "c" / "net.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such pipes")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_file_is_not_waited_for(run: Run, command: list[str]):
    os.mkfifo("specs/pipe.yaml")
    Path("specs/zero.yaml").symlink_to("/dev/zero")
    for name in ("specs/pipe.yaml", "specs/zero.yaml", "/dev/zero"):
        done = run(*command, name)
        assert done.exit_code == 2
        assert "is not a file" in done.output


# --- Writing


def test_a_target_that_is_a_link_out_of_the_project_is_not_written(run: Run):
    Path("generated").mkdir()
    Path("generated/small_torch.py").symlink_to("../../theirs.py")
    for option in ("--force", "--target=torch"):
        done = run("build", option)
        assert done.exit_code == 2
        assert "`generated/small_torch.py` cannot be read or written" in done.stderr
        assert not Path("../theirs.py").exists()
    Path("../theirs.py").write_text("theirs\n")
    assert run("build", "--force").exit_code == 2
    assert Path("../theirs.py").read_text() == "theirs\n"
    assert [path.name for path in Path("generated").iterdir()] == ["small_torch.py"]


def test_an_output_folder_that_leads_out_of_the_project_is_not_written(run: Run, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    Path("generated").symlink_to("../elsewhere")
    assert run("build").exit_code == 2
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such pipes")
@pytest.mark.parametrize("options", [[], ["--check"], ["--force"]], ids=str)
def test_a_target_that_is_no_file_is_refused(run: Run, options: list[str]):
    Path("generated").mkdir()
    os.mkfifo("generated/small_torch.py")
    assert run("build", *options).exit_code == 2
    Path("generated/small_torch.py").unlink()
    Path("generated/small_torch.py").symlink_to("/dev/zero")
    assert run("build", *options).exit_code == 2


def test_what_is_no_file_is_no_orphan(run: Run):
    run("build")
    Path("generated/zero.py").symlink_to("/dev/zero")
    Path("generated/gone.py").symlink_to("nowhere.py")
    os.mkfifo("generated/pipe.py")
    assert run("build", "--check").exit_code == 0


def test_left_over_files_stop_no_build(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in each container
    Path("generated").mkdir()
    Path("generated/.small_torch.py.1.tmp").touch()
    file = Path("generated/small_torch.py")
    with replaced(file) as temporary:  # another build, right now
        assert run("build").exit_code == 0
        temporary.write_bytes(file.read_bytes())
    assert run("build", "--check").exit_code == 0


def test_two_that_write_at_once_both_succeed(tmp_path: Path):
    """In processes of which each believes to be the first one."""
    code = (
        "import os, sys; from pathlib import Path; os.getpid = lambda: 1;"
        "from cnngen.files import write_file;"
        "[write_file(Path(sys.argv[1]), sys.argv[2].encode() * 10_000) for _ in range(200)]"
    )
    file = tmp_path / "file"
    command = [sys.executable, "-c", code, str(file)]
    writers = [subprocess.Popen([*command, letter], cwd=ROOT) for letter in "ab"]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert file.read_bytes() in (b"a" * 10_000, b"b" * 10_000)
    assert list(tmp_path.iterdir()) == [file]


def test_a_name_may_be_as_long_as_the_system_allows(tmp_path: Path):
    file = tmp_path / ("x" * 255)
    write_file(file, b"x")
    assert file.read_bytes() == b"x"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: Path, mask: int):
    old = os.umask(mask)
    try:
        write_file(tmp_path / "new", b"")
        with replaced(tmp_path / "other") as temporary:
            temporary.chmod(0o600)  # as some libraries do
        (tmp_path / "any").touch()
    finally:
        os.umask(old)
    modes = {(tmp_path / name).stat().st_mode for name in ("new", "other", "any")}
    assert len(modes) == 1
    (tmp_path / "any").chmod(0o640)
    write_file(tmp_path / "any", b"")
    assert (tmp_path / "any").stat().st_mode & 0o777 == 0o640


# --- The mark of a generated file

TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "Generated by cnngen from other.yaml. Shapes",
            "\n\nGenerated by cnngen from other.yaml.\n\n",
            '"""\n\nGenerated by cnngen from other.yaml.',
            "\\\n\n\x85\x85\u2028\u2028\x0b\x0cGenerated by cnngen from other.yaml.",
            '"""',
            "Word " * 50,
            f"{'w' * 60} " * 4,
            "# ",
        ]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(about=st.lists(TEXTS, max_size=3), title=st.lists(TEXTS, max_size=3), url=TEXTS)
def test_no_text_of_a_spec_forges_or_hides_the_mark(about: list[str], title: list[str], url: str):
    def quoted(text: str) -> str:
        inside = "".join(
            c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}"
            for c in text
            if not 0xD800 <= ord(c) <= 0xDFFF
        )
        return f'"{inside}"'

    paper = f"paper: {{title: {quoted(''.join(title))}, url: {quoted(url)}}}\n"
    text = FINE.replace("A small network.", quoted("".join(about))) + paper
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.yaml")
        path.write_text(text, encoding="utf-8")
        network = analyse_file(path, Report())
        if network is None:
            return
        for target in ("torch", "keras"):
            content = (generate(network, target, Report()) or "").encode()
            assert origin(content) == "small"
            file = Path(folder, "small.py")
            file.write_bytes(content + b"# changed\n")
            assert state(file, content) is State.STALE


def test_a_title_that_reads_like_the_mark_makes_no_orphan(run: Run):
    path = Path("specs/small.yaml")
    longest = " ".join(["w" * 51] * 9)  # a line for each
    for title in ("Generated by cnngen from gone.yaml.", longest, "w" * 500):
        path.write_text(FINE + f"paper: {{title: '{title}', url: '{longest}'}}\n")
        assert run("build").exit_code == 0
        assert run("build", "--check").exit_code == 0, title[:40]


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ('"""Net.\n\nGenerated by cnngen from net.yaml. Shapes\n"""\n', "net"),
        ('"""Net.\r\n\r\nGenerated by cnngen from net.yaml. Shapes\r\n"""\r\n', "net"),
        ('# A licence.\n\n"""\nNet.\n\nGenerated by cnngen from net.yaml with a=b.yaml.\n"""\n', "net"),
        (f'"""Net.\n\nGenerated by cnngen from\n{"n" * 90}.yaml. Shapes\n"""\n', "n" * 90),
        # files that somebody owns
        ('"""Generated by cnngen from net.yaml."""\n', None),
        ('"""Net.\n\nOnce generated by cnngen from net.yaml.\n"""\n', None),
        ('"""Mine."""\nTEXT = """\n\nGenerated by cnngen from net.yaml.\n"""\n', None),
        ('import this\n"""Net.\n\nGenerated by cnngen from net.yaml. Shapes\n"""\n', None),
        ("", None),
        ('"""' + "a\n" * 100_000, None),
        ("#\n" * 100_000, None),
    ],
)  # fmt: skip
def test_the_mark_is_at_one_place(text: str, stem: str | None):
    assert origin(text.encode()) == stem
