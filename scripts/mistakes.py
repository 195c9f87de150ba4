"""How `cnngen check` answers the mistakes that people make in specs; a table of rates.

python scripts/mistakes.py --most 30 --show "wrong reference"

A mistake is answered well by one error that points at its line, or, where only its consequence can
be seen, has a label there. What turns out to be a valid spec is not counted.
"""

import argparse
import collections
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from answers import Answer, answer  # noqa: E402
from mistakes import SPECS, corpus  # noqa: E402

from cnngen.diagnostics.text import render_text  # noqa: E402

COLUMNS = ("mistakes", "one error", "at the line", "by a label", "elsewhere")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=12, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", help="print what is not answered well, of this kind or of `all`")
    given = parser.parse_args()
    rows: dict[str, list[Answer]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SPECS, folder, dirs_exist_ok=True)
        for mistake in corpus(given.most, given.seed):
            found = answer(mistake, Path(folder))
            if not found.errors:
                continue
            rows[mistake.kind].append(found)
            if given.show in (mistake.kind, "all") and not found.good:
                print(f"--- {mistake.kind}: {mistake.file}:{mistake.line}")
                print(f"- {mistake.was}\n+ {mistake.now}\n{render_text(found.errors)}")
    print(f"{'':<28}", *(f"{column:>12}" for column in COLUMNS))
    for kind, answers in rows.items():
        print(line(kind, answers))
    print(line("all", [each for answers in rows.values() for each in answers]))


def line(kind: str, answers: list[Answer]) -> str:
    places = [each.place for each in answers]
    counts = [len(answers), sum(len(each.errors) == 1 for each in answers)]
    counts += [places.count(place) for place in ("line", "label", "elsewhere")]
    share = [f"{count / len(answers):.0%}" for count in counts[1:]]
    return f"{kind:<28}" + "".join(f" {text:>12}" for text in (str(counts[0]), *share))


if __name__ == "__main__":
    main()
