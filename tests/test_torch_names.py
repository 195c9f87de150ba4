"""Words that PyTorch files need for themselves: an author may use each of them for anything.

What the modules of PyTorch have themselves gets an underscore there, and so the keys of weights do.
"""

from pathlib import Path

import torch
from torch import nn

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.syntax.naming import can_be_called
from cnngen.targets.spelling import Speller
from cnngen.targets.torch import names, render, separable

WORDS = sorted(
    name
    for name in names.OURS
    | names.MODULES
    | Speller("torch").support_names()
    | {separable.NAME, "x", "channels", "out_channels"}
    if can_be_called(name, "block" if name[0].isupper() else "step")
)
PLAIN = {
    "parameter": "wide",
    "own": "width",
    "tensor": "skip",
    "variable": "depth",
    "stage": "body",
    "kept": "middle",
    "output": "result",
    "step": "reduced",
    "branch": "left",
    "block": "Unit",
}
SPEC = """
cnngen: 1
name: Network
about: All kinds of names.
params: {{{parameter}: 4}}
input: {{channels: 3, height: 8, width: 8}}
blocks:
  {block}:
    about: Reads a second tensor.
    params: {{{own}: int, {tensor}: tensor}}
    body:
      - conv: {{out: "ceil({own} / 1)", kernel: 1, init: {{normal: {{std: 1 / {own}}}}}}}
        name: {step}
      - branches:
          {branch}: {{conv: {{out: {own}, kernel: 1}}}}
          other: [{{from: {tensor}}}, {{conv: {{out: {own}, kernel: 1, init: zeros}}}}]
        join: add
model:
  {stage}:
    - conv: {{out: {parameter}, kernel: 3, padding: same, stride: 2}}
      name: {step}
    - repeat: 2
      do: {{conv: {{out: input.channels + 1, kernel: 1}}}}
      name: rest
    - affine
  {kept}:
    - each: {{{variable}: [4, 5]}}
      do:
        - branches: {{{branch}: {{conv: {{out: {variable}, kernel: 1}}}}, other: {{conv: {{out: {variable}, kernel: 1}}}}}}
          join: add
        - relu
    - conv: {{out: {parameter}, kernel: 1}}
  joined: {{{block}: {{{own}: 2 * {parameter}, {tensor}: {kept}}}}}
  last:
    from: {kept}
    conv: {{out: 1, kernel: 1}}
outputs: {{{output}: joined, other: last}}
"""


def built(chosen: dict[str, str], folder: Path) -> tuple[nn.Module, str]:
    path = folder / "network.yaml"
    path.write_text(SPEC.format(**chosen), encoding="utf-8")
    report = Report()
    network = analyse_file(path, report)
    assert network and not report.failed, [diagnostic.message for diagnostic in report]
    source = render(network)
    scope: dict[str, object] = {"__name__": "generated"}
    exec(compile(source, "generated", "exec"), scope)
    model = scope["Network"]
    assert callable(model)
    made = model()
    assert isinstance(made, nn.Module)
    return made.eval(), source


def test_every_word_names_anything(tmp_path: Path) -> None:
    plain, _ = built(PLAIN, tmp_path)
    image = torch.rand(1, 3, 8, 8)
    classes = [w for w in WORDS if w[0].isupper()]
    values = [w for w in WORDS if w[0].islower()]
    assert len(values) > len(classes) > 15
    for turn in range(len(values)):
        # Each turn gives each kind of name another word, in the end every one.
        chosen = {kind: values[(turn + n) % len(values)] for n, kind in enumerate(PLAIN)}
        chosen["block"] = classes[turn % len(classes)]
        for kind in ("parameter", "own", "tensor", "variable"):
            if not can_be_called(chosen[kind], "parameter"):  # a word of expressions
                chosen[kind] = PLAIN[kind]
        model, source = built(chosen, tmp_path)
        state = plain.state_dict()
        words = {PLAIN[kind]: names.attribute(word) for kind, word in chosen.items()}
        renamed = {
            ".".join(words.get(part, part) for part in key.split(".")): value
            for key, value in state.items()
        }
        assert renamed.keys() == model.state_dict().keys(), source
        model.load_state_dict(renamed)
        for expected, given in zip(plain(image), model(image), strict=True):
            assert torch.equal(expected, given), source


def test_what_modules_have_is_written_down() -> None:
    modules = (nn.Module(), nn.Sequential(), nn.ModuleDict(), nn.ModuleList())
    found = {name for module in modules for name in dir(module) if not name.startswith("_")}
    assert found <= names.MODULES
    assert {"half", "type", "apply", "keys"} <= names.MODULES
