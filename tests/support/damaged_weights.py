"""Damaged files of weights: untrusted input.

`python damaged_weights.py FOLDER SPEC SEEDS` converts so many damaged copies of each file in a
folder and prints how each conversion ended. It runs as a process of its own, as the libraries that
read these files may crash.
"""

import io
import os
import select
import signal
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from click.testing import CliRunner

from cnngen.cli import cli

PATIENCE = 60  # seconds, for what takes a fraction of one
LONGEST = 4000  # characters that a user is told


def flipped(random: Random, content: bytes) -> bytes:
    """With a few other bytes, more often near the beginning, which describes the rest."""
    found = bytearray(content)
    for _ in range(random.choice((1, 3, 20))):
        end = len(found) if random.random() < 0.5 else min(len(found), 2000)
        found[random.randrange(end)] = random.randrange(256)
    return bytes(found)


def cut_off(random: Random, content: bytes) -> bytes:
    return content[: random.randrange(len(content))]


def behind(random: Random, content: bytes) -> bytes:
    """Without its beginning."""
    return content[random.randrange(1, min(len(content), 600)) :]


def without_a_part(random: Random, content: bytes) -> bytes:
    start = random.randrange(len(content))
    return content[:start] + content[start + random.randrange(1, 400) :]


def moved(random: Random, content: bytes) -> bytes:
    """With a part of it copied over another place."""
    source, target, size = (random.randrange(len(content)) for _ in range(3))
    part = content[source : source + size % 200]
    return content[:target] + part + content[target + len(part) :]


def inside(random: Random, content: bytes) -> bytes:
    """A zip archive with a damaged member and a correct checksum."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return flipped(random, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    telling = [name for name in members if name.endswith((".pkl", ".h5"))]
    name = random.choice(telling)
    members[name] = random.choice((flipped, cut_off, without_a_part, moved))(random, members[name])
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as made:
            for each, value in members.items():
                made.writestr(each, value)
        return file.getvalue()


DAMAGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    flipped,
    cut_off,
    behind,
    without_a_part,
    moved,
    inside,
)


def main(folder: Path, spec: str, seeds: int) -> None:
    for path in sorted(folder.iterdir()):
        seed = 0
        while seed < seeds:  # goes on behind one at which a library hangs
            seed = watched(path, spec, range(seed, seeds)) + 1


def watched(path: Path, spec: str, seeds: range) -> int:
    """Convert copies in a process of its own; gives the last seed that was tried."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        for seed in seeds:
            print(path.name, seed, ended(path, seed, spec), flush=True)
            os.write(writing, b".")
        sys.exit()  # by the way that all processes end
    os.close(writing)
    seed = seeds.start
    while select.select([reading], [], [], PATIENCE)[0]:
        if not os.read(reading, 1):
            _, status = os.waitpid(child, 0)
            print(path.name, "end", os.waitstatus_to_exitcode(status), flush=True)
            return seeds.stop
        seed += 1
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(path.name, seed, "hangs", flush=True)
    return seed


def ended(path: Path, seed: int, spec: str) -> str:
    """How the conversion of a damaged copy ended."""
    random = Random(seed)
    damaged = path.parent.with_name(f"damaged{path.suffix}")
    damaged.write_bytes(random.choice(DAMAGES)(random, path.read_bytes()))
    target = damaged.with_name("out.safetensors")
    target.unlink(missing_ok=True)
    options = ["--spec", spec, "--to", "torch"]
    result = CliRunner().invoke(cli, ["weights", "convert", str(damaged), str(target), *options])
    if target.exists() != (result.exit_code == 0):
        return "something was written, or nothing"
    return str(result.exit_code) if len(result.stderr) < LONGEST else "too long"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
