"""Every diagnostic code, with its severity and a summary of one line; `explain/CODE.md` is its
page.
"""

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Code:
    summary: str
    severity: Severity = Severity.ERROR


CODES: dict[str, Code] = {
    # reading
    "unreadable": Code("the file cannot be read, or is not UTF-8 text"),
    "yaml-syntax": Code("the text is not YAML"),
    "duplicate-key": Code("a key stands twice in one mapping"),
    "unsupported-yaml": Code(
        "anchors, aliases, merge keys, tags and several documents are refused"
    ),
    "too-large": Code("a file, a nesting, a number or a list exceeds its limit"),
    # parsing
    "unknown-key": Code("a mapping has a key that is not known there"),
    "missing-key": Code("a mapping lacks a key that it must have"),
    "wrong-kind": Code("a mapping, a list or a single value stands where another is needed"),
    "bad-name": Code("a name is malformed or reserved"),
    "bad-expression": Code("an expression cannot be read"),
    "unbalanced-expression": Code("flow style cut an expression at a comma or bracket"),
    "unsupported-version": Code("the spec is for another version of the language"),
    "bad-extends": Code("`extends` names a file that cannot be used"),
    # names
    "unknown-op": Code("a step names neither an op nor a block"),
    "unknown-block": Code("a step names a block that the spec does not define"),
    "unknown-attribute": Code("an op has no such attribute"),
    "unknown-parameter": Code("a block or the model has no such parameter"),
    "missing-attribute": Code("an op lacks an attribute that has no default"),
    "missing-parameter": Code("a block is used without a parameter that has no default"),
    "unknown-name": Code("an expression uses a name that is not defined there"),
    "unknown-stage": Code("`from` or `outputs` names nothing that is there"),
    "later-stage": Code("`from` names a stage that comes later"),
    "shadowed-name": Code("a name hides another of an enclosing scope"),
    "name-clash": Code("two things would get the same name in the generated code"),
    "recursion": Code("a block uses itself"),
    "cycle": Code("stages wait for each other"),
    "unreachable-stage": Code("nothing reads what a stage gives, or an input"),
    "nested-reference": Code("a join or a call inside a chain refers outside it"),
    "bad-training-stage": Code("`when: training` stands where it cannot"),
    "unused-block": Code("no step uses a block", Severity.WARNING),
    "unused-parameter": Code("nothing depends on a parameter", Severity.WARNING),
    # values
    "wrong-type": Code("a value is of the wrong type"),
    "out-of-range": Code("a value is outside its range"),
    "bad-value": Code("an expression has no value: a division by zero, an index outside its list"),
    "unequal-lists": Code("the lists of `each` have different lengths"),
    "too-many-layers": Code("the network has more layers than allowed"),
    "unlikely-value": Code("a value means most likely something else", Severity.WARNING),
    "repeated-input": Code("a false `when` repeats the input of a `concat`", Severity.WARNING),
    "no-branch-left": Code("all branches of a join are absent"),
    # shapes
    "shape-mismatch": Code("shapes do not fit an op or each other"),
    "empty-output": Code("a size falls to zero"),
    "indivisible-channels": Code("channels cannot be divided as asked"),
    "mixed-rank": Code("one step of a block is used on images and on vectors"),
    "varying-size": Code("a flattened size differs between the iterations of a loop"),
    "fixed-parameter": Code(
        "a parameter changes a flattened size, or what rank a layer is given", Severity.NOTE
    ),
    "constant-norm": Code("a norm sees one value at a time, and makes it 0", Severity.WARNING),
    # targets
    "unsupported-op": Code("a target cannot express an op as it is used"),
}

# Of values and shapes: these are followed through the whole network, so what is seen of them
# depends on every mistake before.
FOLLOWED = frozenset(list(CODES)[list(CODES).index("wrong-type") :])
