"""Parse: YAML nodes to the tree of a spec. What the names in it mean is left to `resolve`."""

import re
from collections.abc import Collection
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.expressions.expression import Constant
from cnngen.source import Span
from cnngen.syntax.forms import FORM_PARTS, PAPER, SPEC
from cnngen.syntax.misplaced import BLOCK_KEYS, Entry, put_back, put_into, without_blocks
from cnngen.syntax.missing_op import report_nameless_stages, report_op_as_name
from cnngen.syntax.parse_body import parse_body
from cnngen.syntax.parse_input import EXAMPLE, parse_inputs
from cnngen.syntax.parse_parameters import is_input, parse_parameters, unread_parameter
from cnngen.syntax.parse_results import parse_results
from cnngen.syntax.parse_value import (
    check_keys,
    entries,
    mapping,
    parse_arguments,
    parse_name,
    parse_new_name,
    parse_reference,
    parse_text,
    require_keys,
    wrong_kind,
)
from cnngen.syntax.tree import (
    Block,
    Body,
    Call,
    Identifier,
    Paper,
    Spec,
    Stage,
    When,
    unread_step,
)
from cnngen.syntax.yaml_nodes import Broken, Mapping, Node, Scalar, Sequence, brief, is_null

VERSION = "1"
EXAMPLES = {  # of what a spec must have
    "name": "name: DenseNet121",
    "about": "about: What the network is, in a sentence.",
    "input": f"input: {EXAMPLE}",
    "model": "model: {stem: ..., head: ...}",
}
BLOCK_EXAMPLES = {"about": "about: What the block does.", "body": "body: [...]"}


def parse(root: Mapping, stem: str, report: Report) -> Spec | None:
    """The spec of a file called `stem`, with what it extends merged in; what cannot be read is left
    out. None where the file is of another version of the language.
    """
    if not check_version(root, report):
        return None
    return _parse_spec(check_root(root, report), stem, report)


def check_root(root: Mapping, report: Report) -> Mapping:
    """A file with misspelt keys corrected and its blocks below `blocks`, before another one extends
    it.
    """
    root, strays = without_blocks(root, report)
    root = _with_one_kind_of_input(check_keys(root, SPEC, "a spec", report), report)
    values = [(key, v) for key, v in root.entries if key.text not in SPEC and _is_number(v)]
    return put_into(put_into(root, "blocks", strays), "params", values)


def _with_one_kind_of_input(root: Mapping, report: Report) -> Mapping:
    """The spec with either `input` or `inputs`."""
    keys = {key.text: key for key, _ in root.entries if key.text in ("input", "inputs")}
    if len(keys) < 2:
        return root
    report.add(
        "unknown-key",
        "`input` stands beside `inputs`",
        keys["input"].span,
        secondary=[Label(keys["inputs"].span, "which has all inputs")],
        help="put it into `inputs`, under a name",
    )
    return replace(root, entries=tuple(e for e in root.entries if e[0].text != "input"))


def _is_number(value: Node) -> bool:
    """Whether this can only be a parameter that is not indented far enough."""
    if isinstance(value, Sequence):
        return bool(value.items) and all(map(_is_number, value.items))
    return isinstance(value, Scalar) and re.fullmatch(r"[\d.]+|true|false", value.text) is not None


def check_version(root: Mapping, report: Report) -> bool:
    """Whether a file is written in the version of the language that this program reads."""
    version = root.get("cnngen")
    if version is None:
        start = root.entries[0][0].span if root.entries else Span(root.span.source, 0, 0)
        help = f"begin with `cnngen: {VERSION}`"
        report.add("missing-key", "the spec lacks `cnngen`", start, help=help)
    elif not isinstance(version, Scalar) or is_null(version):
        wrong_kind(version, "`cnngen` must be a version", report, f"write `cnngen: {VERSION}`")
    elif version.text != VERSION:
        report.add(
            "unsupported-version",
            f"this is a spec of version `{brief(version.text)}`, and only {VERSION} is known",
            version.span,
            help=f"write `cnngen: {VERSION}`, or use another version of cnngen",
        )
        return False
    return True


def _parse_spec(root: Mapping, stem: str, report: Report) -> Spec:
    several = root.get("inputs") is not None
    part = {key.text: value for key, value in root.entries}
    start = root.entries[0][0].span if root.entries else Span(root.span.source, 0, 0)
    required = {key: EXAMPLES[key] for key in EXAMPLES if key != "input" or not several}
    require_keys(root, required, "the spec", start, report)
    name = _parse_title(part.get("name"), report) or Identifier("", start)
    about = parse_text(part["about"], "`about`", report) if "about" in part else ""
    paper = _parse_paper(part.get("paper"), report)
    results = parse_results(part.get("results"), report)
    named = part.get("blocks")
    known = [key.text for key, _ in named.entries] if isinstance(named, Mapping) else []
    parameters = parse_parameters(part.get("params"), report, in_block=False, blocks=known)
    inputs = parse_inputs(root, start, report)
    defaults = _parse_defaults(part.get("defaults"), report)
    blocks = _parse_blocks(part.get("blocks"), report)
    stages = _parse_model(part["model"], report) if "model" in part else ()
    outputs = _parse_outputs(part.get("outputs"), report)
    return Spec(
        *(stem, name, about, paper, results, parameters, inputs),
        *(defaults, blocks, stages, outputs, root.span),
    )


def _parse_title(node: Node | None, report: Report) -> Identifier | None:
    if isinstance(node, Scalar) and not is_null(node):
        return parse_new_name(node, "spec", report)
    if node:
        wrong_kind(node, "`name` must be a name", report, "write a name such as `DenseNet121`")
    return None


def _parse_paper(node: Node | None, report: Report) -> Paper | None:
    if node is None or is_null(node):
        return None
    paper = mapping(
        node, "`paper`", report, "write `paper: {title: ..., authors: ..., year: ..., url: ...}`"
    )
    if paper is None:
        return None
    paper = check_keys(paper, PAPER, "`paper`", report)
    return Paper(
        **{
            key.text: parse_text(value, f"`{key.text}`", report)
            for key, value in paper.entries
            if key.text in PAPER
        }
    )


def _parse_defaults(node: Node | None, report: Report) -> dict[str, Call]:
    example = "write `defaults: {conv: {bias: false}}`"
    defaults: dict[str, Call] = {}
    if node and not isinstance(node, Mapping) and not is_null(node):
        defaults[""] = unread_step(node.span)
    for key, value in entries(node, "`defaults`", example, report):
        if op := parse_name(key, "an op", report):
            defaults[op.text] = Call(op, parse_arguments(value, op, report), key.span)
    return defaults


def _parse_blocks(node: Node | None, report: Report) -> dict[str, Block]:
    example = "write `blocks: {Name: {about: ..., body: [...]}}`"
    blocks: dict[str, Block] = {}
    if node and not isinstance(node, Mapping) and not is_null(node):
        blocks[""] = _unread_block(Identifier("", node.span))
    waiting = [*put_back(entries(node, "`blocks`", example, report), BLOCK_KEYS, report)]
    known = [key.text for key, _ in waiting]
    while waiting:
        key, value = waiting.pop(0)
        name = parse_new_name(key, "block", report)
        blocks[name.text], strays = _parse_block(name, value, known, report)
        waiting += strays
    return blocks


def _parse_block(
    name: Identifier, node: Node, blocks: Collection[str], report: Report
) -> tuple[Block, list[Entry]]:
    """A block, and the blocks that stand inside it by mistake; `blocks` are the names of all."""
    what = f"the block `{brief(name.text)}`"
    block = mapping(node, what, report, "write `about: ...` and `body: ...` below its name")
    if block is None:
        return _unread_block(name), []
    block = replace(block, entries=put_back(block.entries, FORM_PARTS, report))
    block, strays = without_blocks(block, report, name.span)
    block = check_keys(block, BLOCK_KEYS, what, report)
    about, body = block.get("about"), block.get("body")
    require_keys(block, BLOCK_EXAMPLES, what, name.span, report)
    parameters = parse_parameters(block.get("params"), report, in_block=True, blocks=blocks)
    parsed = Block(
        name,
        parse_text(about, "`about`", report) if about else "",
        tuple(each for each in parameters if not is_input(each)),
        parse_body(body, "`body`", report) if body else (unread_step(name.span),),
        name.span.to(block.span),
        takes_list=any(map(is_input, parameters)),
    )
    return parsed, strays


def _unread_block(name: Identifier) -> Block:
    """What stands in place of a block that could not be read; without a name, in place of all
    blocks.
    """
    at = name.span
    return Block(name, "", (unread_parameter(at),), (unread_step(at),), at)


def _parse_model(node: Node, report: Report) -> tuple[Stage, ...]:
    help = "give each stage a name: `model: {stem: [...], head: [...]}`"
    if isinstance(node, Sequence):
        report_nameless_stages(node, report)
        return ()
    model = mapping(node, "`model`", report, help)
    if model and not model.entries:
        report.add("wrong-kind", "`model` has no stages", model.span, help=help)
    stages: list[Stage] = []
    for key, value in put_back(model.entries, FORM_PARTS, report) if model else ():
        if report_op_as_name(key, value, "stage", report):
            name, body = Identifier(key.text, key.span), (unread_step(value.span),)
        else:
            name = parse_new_name(key, "stage", report)
            body = parse_body(value, f"`{brief(key.text)}`", report)
        stages.append(_make_stage(name, body, name.span.to(value.span), report))
    return tuple(stages)


def _make_stage(name: Identifier, body: Body, span: Span, report: Report) -> Stage:
    """A stage; one that is nothing but `{when: training, do: ...}` exists in training only."""
    match body:
        case (When(test=Constant(value="training")) as step,):
            if step.orelse:
                report.add(
                    "bad-training-stage",
                    "a stage that exists in training only has no `else`",
                    step.orelse[0].span,
                    help="make it a stage of its own",
                )
            if step.name:
                report.add(
                    "unknown-key",
                    "a stage is named by its key",
                    step.name.span,
                    help="remove `name`",
                )
            return Stage(name, step.body, step.origin, True, span)
        case _:
            return Stage(name, body, None, False, span)


def _parse_outputs(node: Node | None, report: Report) -> tuple[tuple[Identifier, Identifier], ...]:
    example = "write `outputs: {logits: head}`"
    if isinstance(node, Sequence) and node.items and all(isinstance(i, Scalar) for i in node.items):
        listed = ", ".join(f"{i.text}: {i.text}" for i in node.items if isinstance(i, Scalar))
        example = f"write `outputs: {{{listed}}}`" if len(listed) < 120 else example
    outputs: list[tuple[Identifier, Identifier]] = []
    for key, value in entries(node, "`outputs`", example, report):
        name = parse_new_name(key, "output", report)
        stage = parse_reference(
            value, f"the output `{brief(key.text)}`", report, "name a stage of the model"
        )
        if stage and not isinstance(value, Broken):
            outputs.append((name, stage))
    return tuple(outputs)
