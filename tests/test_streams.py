"""Standard streams that are closed, broken or full: a command does what it can, and ends as usual."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CNNGEN = f"{sys.executable} -m cnngen"


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text((ROOT / "specs/lenet5.yaml").read_text().replace("conv:", "covn:"))
    return path


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(closed: str, wrong: Path):
    for command, code in (
        ("check --no-cache lenet5", 0),
        (f"check --no-cache {wrong}", 1),
        (f"check --diff {wrong}", 1),
        ("summary lenet5", 0),
        ("--help", 0),
        ("nothing", 2),
    ):
        done = shell(f"{CNNGEN} {command} {closed}")
        assert done.returncode == code, (command, done)
        assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_closed_stream_is_no_file_that_is_written(tmp_path: Path):
    """The next file that is opened gets the number of a stream that is closed."""
    done = shell(f"{CNNGEN} build lenet5 -o {tmp_path}/out <&- >&- 2>&-")
    assert done.returncode == 0
    again = shell(f"{CNNGEN} build lenet5 -o {tmp_path}/out --check")
    assert again.stdout == "2 files are up to date\n"


@pytest.mark.parametrize("arguments", ["--help", "summary --help", "ops", "check {wrong}"])
@pytest.mark.parametrize("streams", [(1,), (2,), (1, 2)])
def test_broken_pipes(arguments: str, streams: tuple[int, ...], wrong: Path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "cnngen", *arguments.format(wrong=wrong).split()]
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=writer if 1 in streams else subprocess.PIPE,
        stderr=writer if 2 in streams else subprocess.PIPE,
        check=False,
        timeout=60,
    )
    os.close(writer)
    broken = 1 in streams or arguments.startswith("check")  # which writes to both
    assert done.returncode == (141 if broken else 0)
    assert b"Traceback" not in (done.stderr or b"") and b"Exception" not in (done.stderr or b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is full")
@pytest.mark.parametrize("full", ["> /dev/full", "2> /dev/full", "> /dev/full 2>&1"])
def test_full_disks(full: str, wrong: Path):
    done = shell(f"{CNNGEN} check --no-cache {wrong} {full}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
