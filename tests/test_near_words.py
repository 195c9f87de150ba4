"""Near words: which are mended, and which could mean something else and are not."""

from pathlib import Path

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.diagnostics.suggest import is_slip, plain
from cnngen.fix import apply
from cnngen.ops import OPS
from cnngen.vocabulary.layer import ForeignLayer, Held, Inferred, Parameter, Said
from cnngen.vocabulary.meaning import LAYERS, OTHERS
from cnngen.vocabulary.value import Written

HEAD = """\
cnngen: 1
name: Net
about: A small network.
input: {channels: 8, height: 32, width: 32}
blocks:
  BasicBlock: {about: One., params: {width: 8}, body: {conv: {out: width, kernel: 3}}}
model:
  first: BasicBlock
  second:"""

MISSING = [
    *("ConvBN", "ConvBNReLU", "ConvRelu", "SEBlock", "ResBlock", "LayerNorm2d", "Conv", "Relu"),
    *("Linears", "Pool", "MaxPool", "BatchNorm", "Upsample2", "Basic", "Block", "BasicBlocks"),
    *("BasicBlock2", "Norm", "Drop", "DropPath", "HardSwish", "Gelu", "Swish", "Dropout2D"),
    *("Softmax2D", "Conv2DTransposed", "Deconv", "GlobalAvgPool", "Concat", "Skip"),
]
PARTS = [
    *("avg", "drop", "norm", "pool", "max", "mean", "pad", "shuffle", "channel", "hard", "leaky"),
    *("lrelu", "crelu", "relus", "convs", "conv1", "conv3d", "bn", "gap", "relu1", "batch"),
    *("dropouts", "linears", "flat", "global", "soft", "transposed", "depthwise", "glu", "celu"),
    *("unfold", "swiglu", "fc", "ln", "sigmoids"),
]
WITHOUT_OP = sorted(
    {name for names in OTHERS.values() for name in names}
    | {name for layer in LAYERS if not layer.op for name in layer.names}
)


def found(step: str, folder: Path) -> list[Diagnostic]:
    """What is said about a step."""
    path = folder / "net.yaml"
    path.write_text(f"{HEAD} {step}\n", encoding="utf-8")
    report = Report()
    assert analyse_file(path, report) is None
    return list(report)


@pytest.mark.parametrize("word", [*MISSING, *PARTS])
def test_what_may_be_another_name_is_not_mended(word: str, tmp_path: Path) -> None:
    for step in (word, f"{{{word}: {{out: 8, kernel: 3}}}}"):
        diagnostic, *others = found(step, tmp_path)
        assert diagnostic.code in ("unknown-block", "unknown-op", "wrong-kind")
        assert not diagnostic.fix, diagnostic
        # A synonym is checked as the op that it is for: what that op lacks, or does not take.
        codes = {"unknown-attribute", "missing-attribute", "shape-mismatch"}
        assert {other.code for other in others} <= codes
        assert not others or (diagnostic.help or "").startswith("did you mean"), others


def test_a_layer_without_an_op_is_no_other_op(tmp_path: Path) -> None:
    for word in WITHOUT_OP:
        own = any(plain(word) == plain(op) for op in OPS)  # `layernorm` lacks its underscore only
        for step in (word,) if own else (word, word.lower()):
            (diagnostic,) = found(step, tmp_path)
            assert not diagnostic.fix, diagnostic


@pytest.mark.parametrize(
    ("word", "op"),
    [
        *(("cnov", "conv"), ("batchnorm", "batch_norm"), ("batch_nrom", "batch_norm")),
        *(("batchnrom", "batch_norm"), ("flaten", "flatten"), ("maxpool", "max_pool")),
        *(("hardswish", "hard_swish"), ("BasicBolck", "BasicBlock"), ("basic_block", "BasicBlock")),
        *(("swish", "silu"), ("leakyrelu", "leaky_relu"), ("dropout2d", "channel_dropout")),
        *(("ReLU", "relu"), ("ELU", "elu"), ("Hardswish", "hard_swish"), ("SiLU", "silu")),
    ],
)
def test_a_slip_in_one_word_is_mended(word: str, op: str, tmp_path: Path) -> None:
    diagnostic = found(word, tmp_path)[0]
    assert [edit.text for edit in diagnostic.fix] == [op]


def test_no_op_is_a_slip_of_another() -> None:
    """Otherwise a word could be mended in two ways."""
    near = {(a, b) for a in OPS for b in OPS if a != b and is_slip(a, b)}
    assert near == {(a, b) for a, b in near if (b, a) in near}
    assert {a for a, _ in near} <= {"selu", "silu", "gelu", "relu", "prelu", "elu", "add"}


# --- Arguments of frameworks at ops of ours ----------------------------------------------------

ARGUMENTS = [
    (layer, parameter)
    for layer in LAYERS
    if layer.op and layer.names[0][0].isupper()
    for parameter in layer.parameters
    if parameter.name not in OPS[layer.op].attributes
]
NEEDED = {
    "out": "8",
    "kernel": "3",
    "groups": "2",
    "size": "3",
    "factor": "2",
    "scale": "2",
    "by": "2.0",
}


@pytest.mark.parametrize(
    ("layer", "parameter"),
    ARGUMENTS,
    ids=[f"{layer.names[0]}-{parameter.name}" for layer, parameter in ARGUMENTS],
)
def test_an_argument_is_renamed_removed_or_explained(
    layer: ForeignLayer, parameter: Parameter, tmp_path: Path
) -> None:
    """What is removed asks for what the op computes anyway; what is renamed means the same."""
    op = OPS[layer.op or ""]
    values = ["frobnicate", "7", parameter.default or "1"]
    for value in [*values, *(parameter.values if isinstance(parameter, Held) else ())]:
        given = {n: NEEDED.get(n, "1") for n, a in op.attributes.items() if a.required}
        if isinstance(parameter, Said):
            given.pop(parameter.to, None)
        said = ", ".join(f"{n}: {v}" for n, v in {**given, parameter.name: value}.items())
        text = f"{{{op.name}: {{{said}}}}}"
        unknown = [d for d in found(text, tmp_path) if d.code == "unknown-attribute"]
        (diagnostic,) = unknown
        assert diagnostic.primary.span.text == parameter.name
        removes = [edit.text for edit in diagnostic.fix] == [""]
        if removes or (diagnostic.help or "").startswith("remove"):
            assert isinstance(parameter, Inferred) or (
                isinstance(parameter, Held) and value in parameter.values
            )
        elif diagnostic.fix:
            assert isinstance(parameter, Said)
            mended = apply(diagnostic.primary.span.source.text, diagnostic.fix)
            assert f"{parameter.to}: {value}" in mended
            assert parameter.convert(Written.of(value)) == value
