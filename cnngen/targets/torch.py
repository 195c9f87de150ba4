"""The PyTorch target: a network -> the text of a Python file."""

from collections.abc import Sequence
from pathlib import Path

from cnngen.expressions.algebra import TooComplex
from cnngen.python.layout import layout
from cnngen.semantics.network import Network
from cnngen.targets.page import about, model_docstring, module_docstring, shapes
from cnngen.targets.spelling import Speller, Unsupported
from cnngen.targets.torch_calls import TorchClass
from cnngen.targets.torch_classes import TorchClasses


def render(network: Network, settings: Sequence[str] = (), folders: Sequence[Path] = ()) -> str:
    """The PyTorch source of a network; `settings` are what `--set` changed, `folders` have
    templates that come first.
    """
    speller = Speller("torch", folders)
    speller.imports("torch", "nn")
    speller.imports("torch", "Tensor")
    writer = TorchClasses(network, speller)
    try:
        blocks = writer.blocks()
        model = writer.model()
    except TooComplex:
        raise Unsupported("the expressions for its channels outgrow what can be printed") from None
    if model.named:
        speller.imports("typing", "NamedTuple")
    classes = [_page(block, about(block.about) if block.about else "") for block in blocks]
    sizes = shapes(network, channels_last=False)
    classes.append(
        _page(model.made, model_docstring(network, sizes, model.made.arguments), model.returns)
    )
    return speller.page(
        docstring=module_docstring(network, settings),
        model=model,
        classes=classes,
        initializations=[
            (kinds, "\n".join(layout(statement, 8)), biases)
            for kinds, statement, biases in writer.initialization.statements()
        ],
    )


def _page(made: TorchClass, docstring: str, returns: str = "Tensor") -> dict[str, str]:
    """A class, laid out."""
    arguments = ", ".join(["self", *map(str, made.arguments)])
    tensors = ", ".join(f"{name}: Tensor" for name in ("x", *made.tensors))
    uses_self = made.forward is not None
    return {
        "name": made.name,
        "base": made.base,
        "docstring": docstring,
        "signature": "\n".join(layout(f"def __init__({arguments}) -> None:", 4)),
        "init": made.init.text(8),
        "forward": made.forward.text(8) if made.forward else "",
        "forward_signature": "\n".join(layout(f"def forward(self, {tensors}) -> {returns}:", 4))
        if uses_self
        else "",
    }
