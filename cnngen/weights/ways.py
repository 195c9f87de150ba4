"""Ways to read a file: which entry of it is the network's, and which prefix its names have.

Tools that wrap a model (to train it on several devices, to compile it, to average it) give its
weights a prefix, and checkpoints have other things beside them. All such ways are tried. If
everything fits in exactly one, that is taken; if in several, the user has to choose.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cnngen.diagnostics.suggest import suggest
from cnngen.weights.convert import UnfitError, first
from cnngen.weights.places import NAMES, Framework
from cnngen.weights.stored import Contents, Entry, Stored, WeightNames, WeightsFileError, shown

Fitted = TypeVar("Fitted")

PARTS = 6  # how many names may stand in a prefix: `module._orig_mod.model.`
MOST_TRIED = 50  # those with the most names that are known first
LISTED = 3
SEPARATOR = re.compile(r"[./]")
AVERAGED = "n_averaged"  # what an `AveragedModel` of PyTorch counts beside the model that it wraps
AVERAGE = re.compile(r"(^|[._/])(\w*_)?(ema|swa|averaged)(_\w*)?([._/]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says about the place of the weights with `--key` and `--prefix`, or nothing."""

    key: str | None = None
    prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """An entry of a file, read for a framework, without the prefix of its names.

    `known` counts the names that are then the network's. `rest` are those that are left out;
    `unasked` is true where no option says that they should be.
    """

    entry: Entry
    framework: Framework
    prefix: str
    known: int
    rest: tuple[str, ...] = ()
    unasked: bool = False

    @property
    def stored(self) -> Stored:
        entry, cut = self.entry, len(self.prefix)
        shapes = {n[cut:]: s for n, s in entry.shapes.items() if n.startswith(self.prefix)}
        return Stored(
            self.framework, shapes, lambda name: entry.read(self.prefix + name), entry.metadata
        )

    def __str__(self) -> str:
        entry, prefix = shown(self.entry.at), shown(self.prefix)
        match bool(entry), bool(prefix):
            case True, True:
                return f"the entry `{entry}`, without the prefix `{prefix}`"
            case True, False:
                return f"the entry `{entry}`"
            case _:
                return f"the weights without the prefix `{prefix}`" if prefix else ""


@dataclass(frozen=True, slots=True)
class Taken(Generic[Fitted]):
    """The weights for the network, in the way that was taken, and notes for the user."""

    fitted: Fitted
    notes: tuple[str, ...] = ()


def take(
    contents: Contents, names: WeightNames, choice: Choice, fit: Callable[[Stored], Fitted]
) -> Taken[Fitted]:
    """The result of `fit` for the only way that it accepts; it raises `UnfitError` for others.

    `WeightsFileError` where it accepts none or several; it says how to choose.
    """
    found = sorted(ways(contents, names, choice), key=lambda way: (way.unasked, -way.known))
    if not found:
        raise WeightsFileError(_nothing(contents, names, choice))
    fitting: list[tuple[Way, Fitted]] = []
    problems: list[tuple[Way, UnfitError]] = []
    for way in found[:MOST_TRIED]:
        if fitting and way.unasked > fitting[0][0].unasked:
            break  # a way that leaves weights out does not count beside these
        try:
            fitting.append((way, fit(way.stored)))
        except UnfitError as error:
            problems.append((way, error))
    if not fitting:
        way, error = max(problems, key=lambda problem: problem[0].known)
        raise UnfitError(f"{way}:\n{error}" if str(way) else str(error))
    way, fitted = fitting[0]
    if len(fitting) > 1 or way.unasked:
        raise WeightsFileError(_several([way for way, _ in fitting], len(found) > MOST_TRIED))
    return Taken(fitted, tuple(_notes(way)))


def ways(contents: Contents, names: WeightNames, choice: Choice) -> Iterator[Way]:
    """Each entry with each prefix behind which it has names of the network."""
    for entry in contents.entries:
        if choice.key not in (None, entry.at):
            continue
        for framework in entry.frameworks:
            known = {*names.keys.get(framework, ())}
            for prefix, count in _prefixes(entry.shapes, known).items():
                if choice.prefix is None or prefix in _spelled(choice.prefix):
                    beside = tuple(
                        name
                        for name in entry.shapes
                        if not name.startswith(prefix) and not name.endswith(AVERAGED)
                    )
                    unasked = bool(
                        (beside and choice.prefix is None) or (entry.others and choice.key is None)
                    )
                    yield Way(entry, framework, prefix, count, beside + entry.others, unasked)


def _prefixes(stored: Collection[str], known: Collection[str]) -> Counter[str]:
    """The prefixes of names that are known, and how often each occurs."""
    found: Counter[str] = Counter()
    for name in stored:
        ends = [0, *(at.end() for at, _ in zip(SEPARATOR.finditer(name), range(PARTS)))]  # noqa: B905
        found.update(name[:end] for end in ends if name[end:] in known)
    return found


def _spelled(prefix: str) -> tuple[str, ...]:
    """A prefix as it stands in the file; the user may have left out the separator at its end."""
    return (prefix, f"{prefix}.", f"{prefix}/") if prefix else ("",)


def _notes(way: Way) -> Iterator[str]:
    if str(way):
        yield f"took {way}"
    if way.rest:
        yield f"left out what is beside it: {_listed(way.rest)}"


def _several(found: Sequence[Way], more: bool) -> str:
    """What to choose from."""
    lines = [_line(way, found) for way in found]
    if found[0].unasked:
        what = (
            "the network fits a part of the file: choose it, if you can do without the rest"
            if len(found) == 1
            else "the network fits several parts of the file: choose one"
        )
    else:
        what = "the network fits several entries of the file: choose one"
    return "\n".join([what, *first(lines), *(["and perhaps more"] if more else [])])


def _line(way: Way, found: Sequence[Way]) -> str:
    """The options that choose a way, and what speaks for it."""
    alike = [other for other in found if other.entry is way.entry]
    options: list[str] = []
    if way.entry.at and (len(alike) < len(found) or way.entry.others):
        options.append(f"--key {_word(way.entry.at)}")
    if len(alike) > 1 or len(way.rest) > len(way.entry.others):
        options.append(f"--prefix {_word(way.prefix)}")
    remarks: list[str] = []
    if AVERAGE.search(way.entry.at) or AVERAGE.search(way.prefix):
        remarks.append("an average over the training, which its authors usually evaluate")
    if way.rest:
        remarks.append(f"leaves out {_listed(way.rest)}")
    return "  " + ": ".join([" ".join(options) or "--key ''", *filter(None, ["; ".join(remarks)])])


def _word(text: str) -> str:
    return shlex.quote(shown(text))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - LISTED
    listed = ", ".join(f"`{shown(name)}`" for name in names[:LISTED])
    return f"{listed} and {more} more" if more > 0 else listed


def _nothing(contents: Contents, names: WeightNames, choice: Choice) -> str:
    """Why no way exists at all."""
    entries = contents.entries
    if choice.key is not None and choice.key not in (known := [entry.at for entry in entries]):
        named = [at for at in known if at]
        guess = suggest(choice.key, named)
        there = f"did you mean `{shown(guess)}`?" if guess else f"it has {_listed(named)}"
        if not named:
            there = "the weights are not in one, so leave --key out"
        return f"the file has no entry `{shown(choice.key)}`: {there}"
    if not (entries := [e for e in entries if choice.key in (None, e.at)]) or contents.instead:
        return contents.instead or "the file holds no weights"
    for framework in ("torch", "keras"):
        if all(framework not in entry.frameworks for entry in entries) and [*names.keys] == [
            framework
        ]:
            ours, theirs = NAMES[framework], NAMES[entries[0].frameworks[0]]
            return f"the file is of {theirs}, and the model that --from names is of {ours}"
    least = min(entries, key=lambda entry: entry.at.count("/"))
    there = _listed(sorted(least.shapes)) or "no keys at all"
    if choice.prefix is not None:
        prefix = shown(choice.prefix)
        return f"no weight of the network is behind the prefix `{prefix}`: there is {there}"
    place = f"`{shown(least.at)}`" if least.at else "it"
    return f"the file has no layer of the network: {place} has {there}"
