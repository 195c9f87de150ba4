"""Parsing: YAML nodes to the tree, and what is said about specs that do not fit the grammar."""

import builtins
import keyword
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnngen.diagnostics.codes import CODES
from cnngen.diagnostics.model import Diagnostic, Report
from cnngen.diagnostics.suggest import suggest
from cnngen.expressions.expression import Binary, Constant, ListOf, Name
from cnngen.source import Source, Span
from cnngen.syntax.naming import BUILT_IN, KEYWORDS, NameKind, check_name, snake_case
from cnngen.syntax.parse import parse
from cnngen.syntax.read import read
from cnngen.syntax.tree import (
    Body,
    Branches,
    Call,
    Distribution,
    Each,
    Identifier,
    Reference,
    Repeat,
    Result,
    Spec,
    When,
)

HEAD = """\
cnngen: 1
name: Net
about: A network.
input: {channels: 3, height: 32, width: 32}
"""
SPEC = HEAD + "model: {stem: relu}\n"
RESULT = "dataset: D, top1: 9, source: S"


def found(text: str) -> tuple[Spec | None, list[Diagnostic]]:
    report = Report()
    root = read(Source("net.yaml", text), report)
    spec = parse(root, "net", report) if root else None
    return spec, list(report)


def spec(text: str) -> Spec:
    result, diagnostics = found(text)
    assert result and not diagnostics, [(d.message, d.help) for d in diagnostics]
    return result


def stem(yaml: str) -> Body:
    return spec(HEAD + "model:\n  stem:\n" + textwrap.indent(yaml, "    ")).stages[0].body


def params(yaml: str) -> list[tuple[str, str, str]]:
    parameters = spec(SPEC + "params:\n" + textwrap.indent(yaml, "  ")).parameters
    return [(p.name.text, p.type, p.about) for p in parameters]


def test_the_parts_of_a_spec() -> None:
    parsed = spec("""\
        cnngen: 1
        name: ResNet50_32
        about: >
          A sentence
          over lines.
        paper: {title: "Nets: deep", authors: A and B, year: 2015, url: "https://x.y/z"}
        results:
          - {dataset: ImageNet, top1: 77.15, top5: 93, protocol: 10 crops, source: Table 3}
          - {dataset: CIFAR-10, top1: 100, source: "https://x.y/z"}
        params: {classes: 10}
        input: {channels: 3, height: 32, width: 64}
        defaults: {conv: {bias: false}, relu: null}
        blocks:
          Conv:
            about: Convolve.
            params: {out: int, skip: tensor, stride: 1}
            body: {conv: {out: out}}
        model:
          stem: Conv
          aux: {when: training, from: stem, do: [flatten]}
          head: {linear: {out: classes}, from: stem}
        outputs: {logits: head, aux: aux}
        """)
    assert (parsed.stem, parsed.name.text, parsed.about) == (
        "net",
        "ResNet50_32",
        "A sentence over lines.",
    )
    assert parsed.paper and (parsed.paper.title, parsed.paper.year) == ("Nets: deep", "2015")
    assert parsed.results == (
        Result("ImageNet", {"top1": 77.15, "top5": 93}, "10 crops", "Table 3"),
        Result("CIFAR-10", {"top1": 100}, "", "https://x.y/z"),
    )
    assert [str(each.shape) for each in parsed.inputs] == ["3 x 32 x 64"]
    assert (
        parsed.defaults["conv"].arguments[0].value == Constant(False)
        and parsed.defaults["relu"].arguments == ()
    )
    block = parsed.blocks["Conv"]
    assert [(p.name.text, p.type, p.default) for p in block.parameters] == [
        *(("out", "int", None), ("skip", "tensor", None), ("stride", "int", Constant(1)))
    ]
    stem, aux, head = parsed.stages
    assert not stem.training and aux.training and not head.training
    assert aux.origin and aux.origin.text == "stem" and isinstance(aux.body[0], Call)
    assert head.origin is None and head.body[0].origin and head.body[0].origin.text == "stem"
    assert [(a.text, b.text) for a, b in parsed.outputs] == [("logits", "head"), ("aux", "aux")]


def test_calls() -> None:
    bare, quoted, null, named = stem("""\
- relu
- "relu"
- relu:
- conv: {out: 2 * n, kernel: "[1, 3]", padding: [1, n], init: {trunc_normal: {std: 0.01}}}
  name: first
  from: input
""")
    for step in (bare, quoted, null):
        assert isinstance(step, Call) and step.callee.text == "relu" and not step.arguments
    assert isinstance(named, Call) and named.name and named.origin
    assert (named.name.text, named.origin.text) == ("first", "input")
    values = {a.name.text: a.value for a in named.arguments}
    assert values["out"] == Binary("*", Constant(2), Name("n"))
    assert values["kernel"] == ListOf((Constant(1), Constant(3)))
    assert values["padding"] == ListOf((Constant(1), Name("n")))
    init = values["init"]
    assert isinstance(init, Distribution) and init.word.text == "trunc_normal"
    assert [(name.text, value) for name, value in init.arguments] == [("std", Constant(0.01))]


def test_the_other_steps() -> None:
    reference, repeat, each, when, branches = stem("""\
- {from: input}
- {repeat: n - 1, do: relu, name: rest}
- {each: {depth: [1, 2], width: widths}, do: [relu], between: relu}
- {when: n > 1, do: relu, else: [relu, relu], from: input}
- branches: {left: , right: [], main: relu}
  join: add
""")
    assert isinstance(reference, Reference) and reference.origin.text == "input"
    assert isinstance(repeat, Repeat) and repeat.name and len(repeat.body) == 1
    assert isinstance(each, Each) and each.between and len(each.between) == 1
    assert [name.text for name, _ in each.lists] == ["depth", "width"]
    assert isinstance(when, When) and when.orelse and len(when.orelse) == 2 and when.origin
    assert isinstance(branches, Branches) and branches.join.text == "add"
    assert [(branch.name.text, len(branch.body)) for branch in branches.arms] == [
        *(("left", 0), ("right", 0), ("main", 1))
    ]


def test_a_branch_that_may_be_absent() -> None:
    (branches,) = stem("""
- branches:
    plain: relu
    flow: {when: n > 1, from: other, do: [relu, tanh], else: nothing}
    block:
      - when: deep
        do: relu
        else: nothing
    choice: {when: n > 1, do: relu, else: identity}
  join: add
""")
    assert isinstance(branches, Branches)
    plain, flow, block, choice = branches.arms
    assert plain.test is None and isinstance(plain.body[0], Call)
    assert flow.test and flow.test.span and flow.test.span.text == "n > 1"
    assert [step.origin and step.origin.text for step in flow.body] == ["other", None]
    assert block.test and isinstance(block.body[0], Call)
    assert choice.test is None and isinstance(choice.body[0], When)


def test_training_is_a_matter_of_stages() -> None:
    body = stem("- {when: training, do: relu}\n- relu\n")
    assert isinstance(body[0], When)  # `resolve` reports it there
    only_step = spec(HEAD + "model: {stem: relu, aux: [{when: training, do: relu}]}")
    assert only_step.stages[1].training


@pytest.mark.parametrize(
    ("default", "type"),
    [
        ("1", "int"),
        ("-1", "int"),
        ("1e-5", "float"),
        ("true", "bool"),
        ("not true", "bool"),
        ("1 < 2", "bool"),
        ("4 // 2", "int"),
        ("4 / 2", "float"),
        ("[1, 2]", "ints"),
        ("[]", "ints"),
        ("[1, 0.5]", "floats"),
        ('"[1] * 2 + [3]"', "ints"),
        ("2 * range(3)", "ints"),
        ('"[1, 2][0]"', "int"),
        ("max(1, 2.0)", "float"),
        ('"sum([1, 2])"', "int"),
        ("1 if true else 0.5", "float"),
        ("round(1.5)", "int"),
    ],
)
def test_the_type_of_a_parameter_follows_from_its_default(default: str, type: str) -> None:
    assert params(f"n: {default}") == [("n", type, "")]


def test_the_comment_behind_a_parameter_documents_it() -> None:
    text = """\
# not this
a: 1   #  one `#` more
b: [1, 2]  # a list
c:  # a long list
  - 1
  - 2
d: "2 * 3"\t# a tab before it
e: 5
# not this either
"""
    assert params(text) == [
        ("a", "int", "one `#` more"),
        ("b", "ints", "a list"),
        ("c", "ints", "a long list"),
        ("d", "int", "a tab before it"),
        ("e", "int", ""),
    ]


def test_comments_in_flow_style() -> None:
    flow = spec(SPEC + "params: {a: 1,  # first\n  b: 2}  # both\n").parameters
    assert [p.about for p in flow] == ["first", ""]
    flow = spec(SPEC + 'params: {a: 1 ,# first\n  b: "2"# second\n  }\n').parameters
    assert [p.about for p in flow] == ["first", "second"]


BLOCK = "blocks: {B: {about: x, body: relu, params: {%s}}}\n"


@pytest.mark.parametrize(
    ("text", "code", "span", "help"),
    [
        # the spec itself
        (HEAD, "missing-key", "cnngen", "`model: "),
        (SPEC.replace("cnngen: 1\n", ""), "missing-key", "name", "`cnngen: 1`"),
        (SPEC.replace("cnngen: 1", "cnngen: 2"), "unsupported-version", "2", "`cnngen: 1`"),
        (SPEC.replace("cnngen: 1", "cnngen:"), "wrong-kind", "", "`cnngen: 1`"),
        (SPEC + "default: {}", "unknown-key", "default", "did you mean `defaults`?"),
        (SPEC + "foo: {}", "unknown-key", "foo", "the keys are cnngen, name"),
        (SPEC.replace("input:", "inputs:"), "wrong-kind", "inputs", "did you mean `input`?"),
        (SPEC.replace("name: Net", "name: my_net"), "bad-name", "my_net", "`MyNet`"),
        (SPEC.replace("name: Net", "name: [Net]"), "wrong-kind", "[Net]", "DenseNet121"),
        (SPEC.replace("A network.", "[a, b]"), "wrong-kind", "[a, b]", "quote it"),
        (SPEC.replace("A network.", "x" * 501), "too-large", "x" * 501, "one sentence"),
        (SPEC + "paper: {titel: x}", "unknown-key", "titel", "did you mean `title`?"),
        (SPEC + "paper: x", "wrong-kind", "x", "paper: {title"),
        (SPEC + "results: {}", "wrong-kind", "{}", "results: [{dataset"),
        (SPEC + "results: [x]", "wrong-kind", "x", "results: [{dataset"),
        (SPEC + "results: [{dataset: D, top1: 9}]", "missing-key", "{dataset: D, top1: 9}", "`so"),
        (SPEC + f"results: [{{{RESULT}, top_5: 9}}]", "unknown-key", "top_5", "mean `top5`?"),
        (SPEC + f"results: [{{{RESULT}, top5: 8}}]", "out-of-range", "8", "`top5: 92`"),
        (
            SPEC + "results: [{dataset: D, source: S}]",
            "missing-key",
            "{dataset: D, source: S}",
            "psnr",
        ),
        (SPEC + "results: [{dataset: D, source: S, top1: 0}]", "out-of-range", "0", None),
        (SPEC + "results: [{dataset: D, source: S, top1: 101}]", "out-of-range", "101", None),
        (SPEC + "results: [{dataset: D, source: S, top1: 9%}]", "wrong-type", "9%", "per cent"),
        (SPEC + "results: [{dataset: D, source: S, top1: nan}]", "wrong-type", "nan", "per cent"),
        (SPEC + "results: [{dataset: '', source: S, top1: 9}]", "wrong-kind", "''", "ImageNet"),
        (
            SPEC.replace("height: 32, ", ""),
            "missing-key",
            "{channels: 3, width: 32}",
            "height: 224",
        ),
        (SPEC.replace("height: 32", "height: 0"), "out-of-range", "0", None),
        (SPEC.replace("height: 32", "height: 010"), "wrong-type", "010", "`height: 224`"),
        (SPEC.replace("height: 32", "height: 1.5"), "wrong-type", "1.5", "`height: 224`"),
        (SPEC.replace("height: 32", "height: " + "9" * 9999), "wrong-type", "9" * 9999, None),
        (SPEC + "outputs: head", "wrong-kind", "head", "`outputs: {logits: head}`"),
        (SPEC + "outputs: [a, b]", "wrong-kind", "[a, b]", "`outputs: {a: a, b: b}`"),
        (SPEC + "defaults: {conv: 1 +}", "wrong-kind", "1 +", "`conv: {attribute: 1 +}`"),
        # parameters
        (SPEC + "params: [a]", "wrong-kind", "[a]", "params: {"),
        (SPEC + "params: {n: int}", "wrong-kind", "int", "`n: 2`"),
        (SPEC + "params: {n: }", "wrong-kind", "n", "`n: 2`"),
        (SPEC + "params: {n: k + 1}", "unknown-name", "k", "a number"),
        (SPEC + "params: {n: input.channels}", "unknown-name", "input.channels", None),
        (SPEC + "params: {n: same}", "wrong-type", "same", None),
        (SPEC + "params: {n: null}", "wrong-kind", "n", "`n: 2`"),
        (SPEC + "params: {n: 'm + [{a: 1}]'}", "bad-expression", "{", "in a YAML list"),
        (SPEC + "params: {n: [[1], 2]}", "wrong-type", "[[1], 2]", "of one thing are a record"),
        (SPEC + "params: {n: {a: 1}}", "wrong-kind", "{a: 1}", None),
        (SPEC + "params: {n: 2 +}", "bad-expression", None, None),
        (SPEC + "params: {half: 2}", "bad-name", "half", "another name"),
        (SPEC + BLOCK % "n: itn", "unknown-name", "itn", "the type `int`"),
        (SPEC + BLOCK % "n", "wrong-kind", "n", "`n: int`"),
        # blocks
        (SPEC + "blocks: {B: {about: x}}", "missing-key", "B", "`body: "),
        (SPEC + "blocks: {B: {body: relu}}", "missing-key", "B", "`about: "),
        (SPEC + "blocks: {B: relu}", "wrong-kind", "relu", "`body: ...`"),
        (SPEC + "blocks: {B: {about: x, body: []}}", "wrong-kind", "[]", "identity"),
        (SPEC + "blocks: {b: {about: x, body: relu}}", "bad-name", "b", "`B`"),
        (
            SPEC + "blocks: {B: {about: x, boddy: relu, body: relu}}",
            "unknown-key",
            "boddy",
            "`body`?",
        ),
        # stages
        (HEAD + "model: [relu]", "wrong-kind", "[relu]", "give each stage a name"),
        (HEAD + "model: {}", "wrong-kind", "{}", "give each stage a name"),
        (HEAD + "model: {stem: }", "wrong-kind", "", "identity"),
        (HEAD + "model: {with: relu}", "bad-name", "with", "another name"),
        (
            HEAD + "model: {a: {when: training, do: relu, else: relu}}",
            "bad-training-stage",
            "relu",
            None,
        ),
    ],
)
def test_mistakes_of_a_spec(text: str, code: str, span: str | None, help: str | None) -> None:
    check_only(text, code, span, help)


@pytest.mark.parametrize(
    ("step", "code", "span", "help"),
    [
        ("conv(64, 3)", "bad-name", "conv(64, 3)", "`conv: {attribute: value}`"),
        ("[relu]", "wrong-kind", "[relu]", "`- relu`"),
        ("", "wrong-kind", "", "`- relu`"),
        ("{conv: 64 +}", "wrong-kind", "64 +", "`conv: {attribute: 64 +}`"),
        ("{conv: {out: }}", "bad-expression", "", "behind the `:`"),
        ("{conv: {out: 2 +}}", "bad-expression", None, None),
        ("{conv: {out: {a: 1, b: 2}}}", "wrong-kind", "{a: 1, b: 2}", "trunc_normal"),
        ("{conv: {out: [1, {a: 1}]}}", "wrong-kind", "{a: 1}", None),
        ("{conv: {init: {n: {a: {b: 1}}}}}", "wrong-kind", "{b: 1}", None),
        ("{conv: {2x: 1}}", "bad-name", "2x", None),
        ("{conv: , out: 3, kernel: 1}", "unknown-key", "out", "indent it"),
        ("{conv: {out: 3}, relu: }", "unknown-key", "relu", "`- `"),
        ("{conv: {out: 3}, form: x}", "unknown-key", "form", "did you mean `from`?"),
        ("{relu: , do: relu}", "unknown-key", "do", "`name` and `from`"),
        ("{rpeat: 3, do: relu}", "unknown-key", "rpeat", "did you mean `repeat`?"),
        ("{relu: , name: Foo}", "bad-name", "Foo", "`foo`"),
        ("{relu: , name: [a]}", "wrong-kind", "[a]", None),
        ("{relu: , from: [a, b]}", "wrong-kind", "[a, b]", "`branches`"),
        ("{relu: , from: xs + 1}", "bad-name", "xs + 1", "one step"),
        ("{name: foo}", "missing-key", "name", "a step is an op"),
        ("{}", "missing-key", "{}", "a step is an op"),
        ("{repeat: 3}", "missing-key", "repeat", "`do:`"),
        ("{repeat: 3, doo: relu}", "unknown-key", "doo", "did you mean `do`?"),
        ("{repeat: 3, do: []}", "wrong-kind", "[]", "identity"),
        ("{repeat: , do: relu}", "bad-expression", "", None),
        ("{repeat: 3, do: relu, else: relu}", "unknown-key", "else", "do, name, from"),
        ("{each: depth, do: relu}", "wrong-kind", "depth", "each: {depth"),
        ("{each: {}, do: relu}", "wrong-kind", "{}", "each: {depth"),
        ("{each: {len: [1]}, do: relu}", "bad-name", "len", "another name"),
        ("{when: {a: 1}, do: relu}", "wrong-kind", "{a: 1}", None),
        ("{when: true, then: relu, do: relu}", "unknown-key", "then", "do, else"),
        ("{branches: {a: relu, b: relu}}", "missing-key", "branches", "join: add"),
        ("{branches: {a: relu, b: relu}, joint: add}", "unknown-key", "joint", "`join`?"),
        ("{branches: {a: relu, b: relu}, join: fuse}", "unknown-op", "fuse", "concat, add"),
        ("{branches: {a: relu, b: relu}, join: ad}", "unknown-op", "ad", "did you mean `add`?"),
        ("{branches: {a: relu}, join: add}", "wrong-kind", "branches", "identity"),
        ("{branches: [softmax: {}, relu], join: add}", "wrong-kind", "[softmax: {}, relu]", "name"),
        ("{branches: {a: relu, B: relu}, join: add}", "bad-name", "B", "`b`"),
    ],
)
def test_mistakes_of_a_step(step: str, code: str, span: str | None, help: str | None) -> None:
    check_only(HEAD + f"model:\n  stem:\n    - {step}\n", code, span, help)


def check_only(text: str, code: str, span: str | None, help: str | None) -> None:
    _, diagnostics = found(text)
    assert [d.code for d in diagnostics] == [code], [(d.message, d.help) for d in diagnostics]
    (diagnostic,) = diagnostics
    assert len(diagnostic.message) < 160
    assert span is None or diagnostic.primary.span.text == span
    assert help is None or (diagnostic.help and help in diagnostic.help), diagnostic.help


def test_a_folded_condition_is_refused() -> None:
    text = HEAD + "model:\n  stem:\n    - when: >\n        1 < 2\n      do: relu\n"
    check_only(text, "wrong-kind", None, "`stride > 1`")


def test_independent_mistakes_are_all_found() -> None:
    _, diagnostics = found(
        HEAD
        + "params: {half: 1, n: *x}\n"
        + "blocks: {B: {about: x, body: [conv: {out: 1 +}, {rpeat: 3, do: relu}]}}\n"
        + "model: {stem: {branches: {a: relu, b: relu}, join: 3}}\n"
    )
    assert [d.code for d in diagnostics] == [
        *("bad-name", "unsupported-yaml", "bad-expression", "unknown-key", "bad-name")
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("Net", "spec"), ("ResNet50", "block"), ("SqueezeNet1_1", "spec"), ("VGG16", "spec")),
        *(("conv1_1", "stage"), ("a", "parameter"), ("stride", "parameter"), ("r3x3", "variable")),
    ],
)
def test_good_names(name: str, kind: NameKind) -> None:
    assert naming(name, kind) == []


@pytest.mark.parametrize(
    ("name", "kind", "help"),
    [
        ("resnet", "spec", "write `Resnet`"),
        ("dense_block", "block", "write `DenseBlock`"),
        ("Net_v2", "spec", "write `NetV2`"),
        ("Net_", "spec", "write `Net`"),
        ("DenseBlock", "stage", "write `dense_block`"),
        ("_private", "stage", "write `private`"),
        ("__init__", "stage", "write `init`"),
        ("a__b", "step", "write `a_b`"),
        ("2x", "branch", "write it like `dense_block`"),
        ("a" * 41, "branch", "choose a shorter name"),
        ("repeat", "stage", "choose another name, such as `repeat_stage`"),
        ("None", "block", "choose another name, such as `NoneBlock`"),
        ("half", "parameter", "choose another name, such as `half_value`"),
        ("lambda", "parameter", "choose another name, such as `lambda_value`"),
        ("class", "output", "choose another name, such as `class_output`"),
        ("naïve", "stage", "write it like `dense_block`"),
        ("x\n", "stage", "write `x`"),
    ],
)
def test_bad_names(name: str, kind: NameKind, help: str) -> None:
    assert naming(name, kind) == [help]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("DenseBlock", "dense_block"), ("ResNet50", "res_net50"), ("SE", "se")),
        *(("ConvBNReLU", "conv_bn_relu"), ("BNReLU6", "bn_relu6"), ("PReLU", "prelu")),
        *(("SiLUGate", "silu_gate"), ("LayerNormGELU", "layer_norm_gelu"), ("ELUNet", "elu_net")),
        *(("ConvSELU2", "conv_selu2"), ("ReLUConv", "relu_conv"), ("ReLUBN", "relu_bn")),
        *(("MODELUnit", "model_unit"), ("ReluConv", "relu_conv"), ("Block2_1", "block2_1")),
    ],
)
def test_words_in_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def naming(name: str, kind: NameKind) -> list[str | None]:
    report = Report()
    good = check_name(Identifier(name, Span(Source("", name), 0, len(name))), kind, report)
    assert good is not report.failed
    return [diagnostic.help for diagnostic in report]


def test_the_words_of_python_are_known() -> None:
    assert set(keyword.kwlist) == KEYWORDS
    names = {name for name in dir(builtins) if not name.startswith("_")} - KEYWORDS
    assert names <= BUILT_IN | {"credits", "copyright", "exit", "quit", "license", "help"}


@pytest.mark.parametrize(
    ("word", "guess"),
    [
        *(("strides", "stride"), ("kernal", "kernel"), ("otu", "out"), ("OUT", "out")),
        *(("dilatoin", "dilation"), ("x", None), ("zzz", None), ("", None), ("k" * 9999, None)),
    ],
)
def test_suggestions(word: str, guess: str | None) -> None:
    assert suggest(word, ["out", "kernel", "stride", "dilation"]) == guess


STEPS = st.recursive(
    st.sampled_from(["relu", "conv", "Block", "", "3", "a b", "[]", "{}", "null", "'x'"]),
    lambda inner: (
        st.builds("[{}, {}]".format, inner, inner)
        | st.builds(
            "{{{}: {}, {}: {}}}".format,
            *(
                st.sampled_from(
                    [
                        "repeat",
                        "each",
                        "when",
                        "branches",
                        "do",
                        "else",
                        "join",
                        "name",
                        "from",
                        "conv",
                    ]
                ),
                inner,
            )
            * 2,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    STEPS,
    st.sampled_from(
        ["model", "params", "blocks", "outputs", "defaults", "paper", "results", "input"]
    ),
)
def test_anything_gives_a_spec_or_diagnostics(step: str, part: str) -> None:
    head = HEAD.replace("input:", "paper:" if part == "input" else "input:")
    model = "" if part == "model" else "model: {stem: relu}\n"
    parsed, diagnostics = found(f"{head}{model}{part}: {{Stem: {step}, stem: {step}}}\n")
    assert parsed or diagnostics
    assert {d.code for d in diagnostics} <= CODES.keys()
