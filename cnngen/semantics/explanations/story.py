"""The story of a shape: which layers gave a tensor its channels, its height and its width."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from cnngen.diagnostics.model import Label
from cnngen.expressions.evaluate import Values
from cnngen.ops.base import UNKNOWN, Image, Op, ShapeError
from cnngen.semantics.attributes import argument_span, show
from cnngen.semantics.explanations.given import decided
from cnngen.semantics.network import Layer, Network, Tensor
from cnngen.source import Span
from cnngen.syntax.tree import Branch, Call, Step

FARTHEST = 1000  # layers that are gone back
MOST_LABELS = 3  # of one branch; more changes are a note
MOST_NOTED = 6
RESIZED = "make a block of what each map goes through, whose last step is `resize: {like: ...}`"

Size = tuple[int, int]
Joined = tuple[Branch, Tensor, Tensor]
"""A branch, what it gives, and the tensor with which it begins."""


@dataclass(frozen=True, slots=True)
class Story:
    """What led to shapes that do not fit: labels where few steps did, notes where many did; and a
    help, if more is known of it than by the join.
    """

    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A layer that changed a height or a width."""

    span: Span
    before: Size
    after: Size


def story_of_join(op: Op, joined: Sequence[Joined], network: Network) -> Story:
    """How the branches of a join got their shapes, as far as these differ."""
    places = Counter(branch.name.span for branch, _, _ in joined)
    alone = [(branch, x) for branch, x, _ in joined if places[branch.name.span] == 1]
    labels = [Label(branch.name.span, str(x.shape)) for branch, x in alone]
    images = [x.shape for _, x, _ in joined if isinstance(x.shape, Image)]
    notes = [*islice(_notes_of_list(joined, places), MOST_NOTED)]
    if not op.concatenates and len({image.channels for image in images}) > 1:
        labels += _channel_labels(joined, network)
    if len({_size(image) for image in images} - _gate(op)) > 1:
        for branch, x, fork in joined:
            layers = layers_between(x, fork, network)
            changes = list(size_changes(layers))
            if not changes:
                labels += _unchanged(layers)
            elif len(changes) <= MOST_LABELS:
                labels += [_size_label(change) for change in changes]
            else:
                notes.append(f"the size in `{branch.name.text}` goes {_listed(changes)}")
    resized = notes and len(set(map(_size, images))) > 1 and len(alone) < len(joined)
    return Story(_distinct(labels), tuple(notes), RESIZED if resized else None)


def _notes_of_list(joined: Sequence[Joined], places: Mapping[Span, int]) -> Iterator[str]:
    """The shapes in a list of maps, whose items have no place of their own."""
    for i, (branch, x, _) in enumerate(joined):
        if places[branch.name.span] > 1:
            yield f"map {i} of the list: {x.shape}"


def story_of_loop(rounds: Sequence[Values], outputs: Sequence[Tensor]) -> Story:
    """For which values of its variables a loop of branches gives which shape: the first of each.
    One that walks through maps only has no values, but positions.
    """
    found: dict[str, str] = {}
    for i, (values, x) in enumerate(zip(rounds, outputs, strict=True)):
        where = ", ".join(f"`{name}` is {show(value)}" for name, value in values.items())
        found.setdefault(str(x.shape), f"where {where}" if where else f"branch {i} of the loop")
    notes = (f"{where}: {shape}" for shape, where in islice(found.items(), MOST_NOTED))
    sizes = {_size(x.shape) for x in outputs if isinstance(x.shape, Image)}
    resized = len(sizes) > 1 and not any(rounds)
    return Story(notes=tuple(notes), help=RESIZED if resized else None)


def story_of_layer(error: ShapeError, x: Tensor, network: Network) -> Story:
    """How the input of a layer came to the shape that it cannot take."""
    start = Tensor("", UNKNOWN)
    if error.code == "indivisible-channels" and isinstance(x.shape, Image):
        source = channel_source(x, network)
        label = _channel_label(source, _channels(x.shape)) if source else None
        return Story((label,) if label else ())
    if error.code == "empty-output" and error.attribute == "kernel":
        changes = list(size_changes(layers_between(x, start, network)))
        if len(changes) > MOST_LABELS:
            return Story(notes=(f"the size goes {_listed(changes)}",))
        return Story(tuple(map(_size_label, changes)))
    if error.wants == "image":
        for layer in reversed(layers_between(x, start, network)):
            if isinstance(layer.inputs[0].shape, Image):
                return Story((Label(layer.span, "a vector from here on"),))
    return Story()


def layers_between(x: Tensor, fork: Tensor, network: Network) -> list[Layer]:
    """The layers that lead from one tensor to another, along the first input of each."""
    found = list(islice(_backwards(x, fork.path, network), FARTHEST))
    return found[::-1]


def common_origin(forks: Sequence[Tensor], network: Network) -> Tensor:
    """The nearest tensor from which all of these were made, along the first input of each layer."""
    first, *others = forks
    known = [{fork.path, *_origins(fork, network)} for fork in others]
    x = first
    while layer := network.layers.get(x.path):
        if all(x.path in paths for paths in known):
            break
        x = layer.inputs[0]
    return x


def _origins(x: Tensor, network: Network) -> Iterator[str]:
    return (layer.inputs[0].path for layer in islice(_backwards(x, "", network), FARTHEST))


def channel_source(x: Tensor, network: Network) -> Layer | None:
    """The layer that decided the channels of a tensor; None where they are those of the input
    image.
    """
    for layer in islice(_backwards(x, "", network), FARTHEST):
        before, after = layer.inputs[0].shape, layer.output
        if not (isinstance(before, Image) and isinstance(after, Image)):
            return None
        if "out" in layer.op.attributes or before.channels != after.channels:
            return layer
    return None


def size_changes(layers: Sequence[Layer]) -> Iterator[Change]:
    """What changed heights or widths; a step that did so again and again is one change."""
    changes: dict[Span, Change] = {}
    for layer in layers:
        before, after = layer.inputs[0].shape, layer.output
        if not (isinstance(before, Image) and isinstance(after, Image)):
            continue
        sizes = _size(before), _size(after)
        if sizes[0] != sizes[1]:
            span = _resizing(layer)
            first = changes.pop(span, None)
            changes[span] = Change(span, first.before if first else sizes[0], sizes[1])
    yield from changes.values()


def _backwards(x: Tensor, end: str, network: Network) -> Iterator[Layer]:
    while x.path != end and (layer := network.layers.get(x.path)):
        yield layer
        x = layer.inputs[0]


def _channel_labels(joined: Sequence[Joined], network: Network) -> Iterator[Label]:
    passed: dict[Tensor, list[str]] = {}
    for branch, x, fork in joined:
        name = branch.name
        source = channel_source(x, network)
        if source is None or source not in layers_between(x, fork, network):
            passed.setdefault(fork, []).append(f"`{name.text}`")
        elif isinstance(x.shape, Image):
            label = _channel_label(source, _channels(x.shape))
            if label.span.line != name.span.line:  # where the shape stands already
                yield label
    for fork, names in passed.items():
        if isinstance(fork.shape, Image):
            pass_on = "passes on" if len(names) == 1 else "pass on"
            text = f"{_channels(fork.shape)}, which {' and '.join(names)} {pass_on}"
            source = channel_source(fork, network)
            yield _channel_label(source, text) if source else _image_label(text, fork, network)


def _channels(image: Image) -> str:
    return f"{image.channels} channel{'s' if image.channels != 1 else ''}"


def _gate(op: Op) -> set[Size]:
    """The size that a branch may have whatever the others have."""
    return {(1, 1)} if op.gates else set()


def _channel_label(layer: Layer, text: str) -> Label:
    return Label(_span(layer, "out" if "out" in layer.op.attributes else ""), text)


def _image_label(text: str, x: Tensor, network: Network) -> Label:
    """A label at the input from which a tensor has its channels."""
    paths = {x.path, *_origins(x, network)}
    inputs = network.resolution.spec.inputs
    read = (each.span for each in inputs if each.name.text in paths)
    return Label(next(read, inputs[0].span), text)


def _size_label(change: Change) -> Label:
    return Label(change.span, f"{_shown(change.before)} to {_shown(change.after)}")


def _unchanged(layers: Sequence[Layer]) -> Iterator[Label]:
    """A branch in which nothing changed the size: what might have."""
    windows = [layer for layer in layers if "kernel" in layer.op.attributes]
    for layer in sorted(windows, key=lambda layer: layer.op.values["kernel"])[-1:]:
        if isinstance(layer.output, Image):
            yield Label(_span(layer, "stride"), f"still {_shown(_size(layer.output))}")


def _listed(changes: Sequence[Change]) -> str:
    """`from 32 x 32 to 16 x 16 (line 7), 8 x 8 (line 9)`."""
    shown = changes[-MOST_NOTED:]
    steps = [f"{_shown(change.after)} (line {change.span.line})" for change in shown]
    return f"from {_shown(shown[0].before)} to {', '.join(steps)}"


def _size(image: Image) -> Size:
    return image.height, image.width


def _shown(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _resizing(layer: Layer) -> Span:
    """Where a layer says that it changes the size: its stride, else its kernel, else its name."""
    stride = layer.op.values.get("stride")
    if stride is not None and stride != (1, 1):
        return _span(layer, "stride")
    return _span(layer, "kernel" if "kernel" in layer.op.attributes else "")


def _span(layer: Layer, attribute: str) -> Span:
    """Where the value of an attribute was decided, in the op or in a use of its block."""
    step: Step = layer.step
    if not isinstance(step, Call) or not attribute:
        return layer.span
    call, name, _ = decided(step, attribute, layer.scope)
    return argument_span(call, name)


def _distinct(labels: Sequence[Label]) -> tuple[Label, ...]:
    """The first label of each place: a block that is used twice has one text."""
    found: dict[Span, Label] = {}
    for label in labels:
        found.setdefault(label.span, label)
    return tuple(found.values())
