"""How `cnngen check` answers the mistakes that people make in specs; a table of rates.

python scripts/mistakes.py --most 30 --show "wrong reference"

python scripts/mistakes.py --several 200 --show all

A mistake is answered well by one error that points at its line, or, where only its consequence can
be seen, has a label there. What turns out to be a valid spec is not counted. With `--several`,
specs have two to six mistakes each: how many are said in the first run, and how many errors are
only consequences.
"""

import argparse
import collections
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.answers_to_mistakes import Answer, answer, answers  # noqa: E402
from support.mistakes_of_people import CLASSICAL, LATEST, SPECS, corpus, several  # noqa: E402

from cnngen.diagnostics.text import render_text  # noqa: E402

COLUMNS = ("mistakes", "one error", "at the line", "by a label", "elsewhere")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=12, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--show", help="print what is not answered well, of this kind or of `all`")
    parser.add_argument("--latest", action="store_true", help="in specs with newer constructs")
    parser.add_argument("--several", type=int, help="so many specs with several mistakes")
    given = parser.parse_args()
    if given.several:
        return print_several(given.several, given.seed, given.show)
    rows: dict[str, list[Answer]] = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SPECS, folder, dirs_exist_ok=True)
        for mistake in corpus(given.most, given.seed, LATEST if given.latest else CLASSICAL):
            said = answer(mistake, Path(folder))
            if not said.errors:
                continue
            rows[mistake.kind].append(said)
            if given.show in (mistake.kind, "all") and not said.good:
                print(f"--- {mistake.kind}: {mistake.file}:{mistake.line}")
                print(f"- {mistake.was}\n+ {mistake.now}\n{render_text(said.errors)}")
    print(f"{'':<28}", *(f"{column:>12}" for column in COLUMNS))
    for kind, found in rows.items():
        print(line(kind, found))
    print(line("all", [each for found in rows.values() for each in found]))


def print_several(count: int, seed: int, show: str | None) -> None:
    """How much is said of specs with several mistakes, by their number and by kind."""
    rows: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0, 0, 0])
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(SPECS, folder, dirs_exist_ok=True)
        for text, mistakes in several(count, seed):
            found = answers(text, mistakes, Path(folder))
            counted = len(found.said) + len(found.unsaid)
            for row in (f"{len(mistakes)} mistakes", "all"):
                numbers = (counted, len(found.said), len(found.errors), len(found.consequences))
                rows[row] = [a + b for a, b in zip(rows[row], numbers, strict=True)]
            for mistake in (*found.said, *found.unsaid):
                rows[mistake.kind][0] += 1
                rows[mistake.kind][1] += mistake in found.said
            if show and (found.unsaid or found.consequences):
                print(f"--- {mistakes[0].file}")
                for mistake in mistakes:
                    mark = "unsaid" if mistake in found.unsaid else "said"
                    print(f"{mark}: {mistake.kind}, line {mistake.line}\n- {mistake.was}")
                    print(f"+ {mistake.now}")
                for error in found.consequences:
                    print(f"consequence: {error.message}")
                print(render_text(found.errors))
    print(f"{'':<28}", *(f"{c:>12}" for c in ("mistakes", "said", "errors", "consequences")))
    for row, (counted, said, errors, consequences) in sorted(rows.items()):
        share = f"{said / counted:.0%}" if counted else ""
        print(f"{row:<28}", *(f"{text:>12}" for text in (counted, share, errors, consequences)))


def line(kind: str, answers: list[Answer]) -> str:
    places = [each.place for each in answers]
    counts = [len(answers), sum(len(each.errors) == 1 for each in answers)]
    counts += [places.count(place) for place in ("line", "label", "elsewhere")]
    share = [f"{count / len(answers):.0%}" for count in counts[1:]]
    return f"{kind:<28}" + "".join(f" {text:>12}" for text in (str(counts[0]), *share))


if __name__ == "__main__":
    main()
