"""The Keras target: a network -> the text of a Python file."""

from collections.abc import Sequence
from pathlib import Path

from cnngen.python.layout import layout
from cnngen.python.signature import Argument
from cnngen.semantics.network import Network
from cnngen.targets.keras_depthwise import find_depthwise
from cnngen.targets.keras_fixed import fixed_attributes
from cnngen.targets.keras_frame import KerasFunction
from cnngen.targets.keras_model import KerasModels
from cnngen.targets.page import about, model_docstring, module_docstring, shapes
from cnngen.targets.spelling import Speller

SHAPE_ABOUT = "height, width (None for any) and channels"
HEADS_ABOUT = (
    "whether to add the heads that exist in training only, and give all outputs by name; without"
    " heads, the model loads the weights that were saved with them"
)


def render(network: Network, settings: Sequence[str] = (), folders: Sequence[Path] = ()) -> str:
    """The Keras source of a network; `settings` are what `--set` changed, `folders` have templates
    that come first.
    """
    speller = Speller("keras", folders)
    speller.imports("keras")
    depthwise = find_depthwise(network)
    speller.fixed = fixed_attributes(network.resolution, depthwise, speller)
    writer = KerasModels(network, speller, depthwise)
    functions = [_page(made) for made in writer.blocks()]
    model = writer.model()
    sizes = shapes(network, channels_last=True)
    image = network.input
    shape = f"({image.height}, {image.width}, {image.channels})"
    extra = [f"input_shape: tuple[int | None, int | None, int] = {shape}"]
    documented = [*model.arguments, Argument("input_shape", "", None, SHAPE_ABOUT)]
    if model.training_heads:
        extra.append("training_heads: bool = False")
        documented.append(Argument("training_heads", "", None, HEADS_ABOUT))
    stem = network.resolution.spec.stem
    signature = ", ".join([*map(str, model.arguments), *extra])
    functions.append(
        {
            "signature": "\n".join(layout(f"def {stem}({signature}) -> keras.Model:")),
            "docstring": model_docstring(network, sizes, documented),
            "code": model.code.text(4),
        }
    )
    parts = [f[part] for f in functions for part in ("signature", "code")]
    used = "\n".join([*parts, *speller.support.values()])
    for name, mark in {"layers": "layers.", "ops": "ops.", "KerasTensor": "KerasTensor"}.items():
        if mark in used:
            speller.imports("keras", name)
    return speller.page(docstring=module_docstring(network, settings), functions=functions)


def _page(made: KerasFunction) -> dict[str, str]:
    """A block's function, laid out."""
    tensors = [f"{name}: KerasTensor" for name in ("x", *made.tensors)]
    parameters = ", ".join([*tensors, *map(str, made.arguments), "*", "name: str"])
    return {
        "signature": "\n".join(layout(f"def {made.name}({parameters}) -> KerasTensor:")),
        "docstring": about(made.about) if made.about else "",
        "code": made.code.text(4),
    }
