"""The JSON Schema of a spec, made from the ops: editors complete and explain with it.

It sees the values that a YAML parser makes of the text, so an expression is a string, a number or a
boolean. It accepts every spec that `cnngen check` accepts, and refuses misspelt keys and misplaced
words.
"""

from typing import Any

from cnngen.ops import OPS
from cnngen.ops.any_of import keeps_shape
from cnngen.ops.attribute import PADDING_WORDS, Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS, Initializer
from cnngen.syntax.forms import FORMS, JOINS, LOOPS, NOTHING, PARTS, SPEC
from cnngen.syntax.metrics import METRICS, MOST
from cnngen.syntax.naming import IN_EXPRESSIONS, LONGEST_NAME, RESERVED, SNAKE_CASE
from cnngen.syntax.parse import EXAMPLES, VERSION
from cnngen.syntax.parse_input import FEATURES, LARGEST_SIDE, SIDES
from cnngen.syntax.parse_parameters import TYPES
from cnngen.syntax.parse_results import EXAMPLES as RESULT

Schema = dict[str, Any]

# As `CAP_WORDS`, but without look-behind, which some validators lack.
BLOCK_NAME = (
    "^[A-Z][A-Za-z0-9]*$|^[A-Z][A-Za-z0-9]*[0-9](_[0-9]([A-Za-z0-9]*[0-9])?)*_[0-9][A-Za-z0-9]*$"
)
STEP_OPS = {name: op for name, op in OPS.items() if not op.joins}
KEYS = sorted({*FORMS, *PARTS, NOTHING})

ABOUT = {
    "cnngen": "The version of the language.",
    "name": "The name of the network, in CapWords: the class of the PyTorch source.",
    "about": "A sentence on the network.",
    "paper": "Where the network was published.",
    "results": "Accuracies that were published of this network; `extends` does not inherit them.",
    "extends": "A spec that this one changes, as a relative path; `null` removes an entry of it.",
    "params": "Parameters of the network with their defaults; a comment behind one describes it.",
    "input": "Channels, height and width of the images; or the features of a vector.",
    "inputs": "The same of each input, by the names that `from` reads, where there are several.",
    "defaults": "Other defaults for attributes of ops, in this file.",
    "blocks": "Parts of the network that can be used as steps, with parameters of their own.",
    "model": "The stages in order; each takes the one before it unless `from` says otherwise.",
    "outputs": "Name of each output -> the stage that gives it; else the last stage is the output.",
}
FORM_ABOUT = {
    "repeat": "A number: the steps of `do` follow each other so many times.",
    "each": "Variables and their lists, which advance together: `do` for each element.",
    "when": "A condition for the steps of `do`; without `else` the input passes through.",
    "branches": "Bodies side by side on one input, or a list of maps; `join` makes one of them.",
    "use": "A stage or a named step before this, applied again with the same weights.",
    "do": "A step, or a list of steps.",
    "between": "Steps between two iterations of `each`.",
    "else": "Steps where the condition is false; `nothing`, if a branch is absent then.",
    "join": "How the outputs of the branches become one tensor; `list` keeps them apart.",
    "name": "The key of this step in paths and weights, and its name for `from`.",
    "from": "An earlier step or stage, `input`, or what an iteration gave: `encoder[-1]`.",
}


def json_schema() -> Schema:
    """The schema of a whole file."""
    properties = _properties()
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "description": "A convolutional network, from which cnngen makes PyTorch and Keras source.",
        "type": "object",
        "properties": {key: {"description": ABOUT[key]} | properties[key] for key in SPEC},
        "required": ["cnngen"],
        "anyOf": [
            {"required": list(EXAMPLES)},
            {"required": ["inputs" if key == "input" else key for key in EXAMPLES]},
            {"required": ["extends"]},
        ],
        "additionalProperties": False,
        "definitions": _definitions(),
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _map(names: str, value: Schema, description: str = "") -> Schema:
    """A mapping from new names to values."""
    about = {"description": description} if description else {}
    return about | {
        "type": ["object", "null"],
        "propertyNames": _ref(names),
        "additionalProperties": value,
    }


def _or_null(schema: Schema) -> Schema:
    """What an extending file may also remove with `null`."""
    return {"anyOf": [schema, {"type": "null"}]}


def _properties() -> dict[str, Schema]:
    """The value of each key of a spec."""
    paper = {key: _ref("text") for key in ("title", "authors", "year", "url")}
    attributes = {name: _or_null(_defaults(op)) for name, op in STEP_OPS.items()}
    return {
        "cnngen": {"enum": [int(VERSION), VERSION]},
        "name": _ref("block_name"),
        "about": _ref("text"),
        "paper": {"type": ["object", "null"], "properties": paper, "additionalProperties": False},
        "results": {"type": ["array", "null"], "items": _ref("result")},
        "extends": {"type": "string", "minLength": 1},
        "params": _map("name_of_value", _or_null(_ref("default"))),
        "input": _ref("input"),
        "inputs": {
            "type": "object",
            "propertyNames": _ref("new_name"),
            "additionalProperties": _ref("input"),
            "minProperties": 2,
        },
        "defaults": {
            "type": ["object", "null"],
            "properties": attributes,
            "additionalProperties": False,
        },
        "blocks": _map("block_name", _or_null(_ref("block"))),
        "model": _map("new_name", _or_null(_ref("body"))),
        "outputs": _map("new_name", _or_null(_ref("reference"))),
    }


def _definitions() -> dict[str, Schema]:
    text = {"type": ["string", "number", "boolean", "null"]}
    new_name: Schema = {
        "type": "string",
        "maxLength": LONGEST_NAME,
        "pattern": f"^{SNAKE_CASE.pattern}$",
        "not": _ref("reserved"),
    }
    block_name: Schema = {"type": "string", "maxLength": LONGEST_NAME, "pattern": BLOCK_NAME}
    return {
        "text": text,
        "reserved": {"enum": sorted(RESERVED)},
        "new_name": new_name,
        "name_of_value": {"allOf": [_ref("new_name"), {"not": {"enum": sorted(IN_EXPRESSIONS)}}]},
        "block_name": block_name | {"not": _ref("reserved")},
        "reference": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
        "map": {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_]*(\[.+\])?$"},
        "maps": {
            "description": "A list of maps: `encoder`, `encoder[1:]` or `[stem, deep]`.",
            "type": ["string", "array"],
            "items": _ref("expression"),
            "minItems": 1,
        },
        "expression": {"type": ["string", "number", "boolean"]},
        **_values_of_parameters(),
        "result": _result(),
        "input": _input(),
        "block": _block(),
        "parameter": {
            "description": f"A default; or a type, where it must be given: {', '.join(TYPES)}.",
            "anyOf": [{"enum": list(TYPES)}, _ref("default")],
        },
        "default": {"anyOf": [_ref("value"), _ref("op")]},
        "op": _op(),
        "body": {
            "anyOf": [_ref("step"), {"type": "array", "items": _ref("step"), "minItems": 1}],
        },
        "step": {"anyOf": [_bare_step(), _ref("keyed_step")], "not": _absent()},
        "keyed_step": _keyed_step(),
        "branch": _branch(),
        "init": _init(),
        **{f"op_{name}": _attributes(op) for name, op in STEP_OPS.items()},
    }


def _block() -> Schema:
    return {
        "type": "object",
        "properties": {
            "about": {"description": "A sentence on the block."} | _ref("text"),
            "params": {
                **_map("name_of_value", _ref("parameter"), _PARAMETERS),
                "propertyNames": {"anyOf": [_ref("name_of_value"), {"const": "input"}]},
                "properties": {"input": {"description": _LIST_INPUT, "const": "tensors"}},
            },
            "body": {"description": FORM_ABOUT["do"]} | _ref("body"),
        },
        "required": ["about", "body"],
        "additionalProperties": False,
    }


def _input() -> Schema:
    """An image, or a vector."""
    side: Schema = {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": LARGEST_SIDE},
            {"type": "string", "pattern": "^[1-9][0-9]*$"},
        ]
    }
    depth = {"anyOf": [*side["anyOf"], _ref("name_of_value")]}  # or a parameter
    return {
        "type": "object",
        "properties": dict.fromkeys(SIDES[1:], side) | {SIDES[0]: depth, FEATURES: depth},
        "anyOf": [{"required": list(SIDES)}, {"required": [FEATURES]}],
        "dependencies": {FEATURES: {"maxProperties": 1}},
        "additionalProperties": False,
    }


def _values_of_parameters() -> dict[str, Schema]:
    """Expressions, and lists of them or of records."""
    return {
        "value": {
            "anyOf": [_ref("expression"), {"type": "array", "items": _ref("item")}],
        },
        "choice": {
            "description": "A word or another, as a condition decides.",
            "type": "string",
            "pattern": r"\sif\s.*\selse\s",
        },
        "item": {"anyOf": [_ref("value"), _ref("record")]},
        "record": {
            "description": "A row of a table: its fields and their values.",
            "type": "object",
            "propertyNames": _ref("name_of_value"),
            "additionalProperties": _ref("value"),
            "minProperties": 1,
        },
    }


def _result() -> Schema:
    """What was published of the network."""
    number: Schema = {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": MOST},
            {"type": "string", "pattern": r"^\s*[0-9]{1,3}(\.[0-9]{1,6})?\s*$"},
        ]
    }
    properties: dict[str, Schema] = {
        "dataset": {"description": "The images, such as `ImageNet`."} | _ref("text"),
        **{
            name: {"description": metric.about} | _or_null(number)
            for name, metric in METRICS.items()
        },
        "protocol": {"description": "How it was measured: images, crops."} | _ref("text"),
        "source": {"description": "Where it was published."} | _ref("text"),
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(RESULT),
        "anyOf": [{"required": [name]} for name in METRICS],
        "additionalProperties": False,
    }


_LIST_INPUT = "What the block is given is a list of maps."
_PARAMETERS = "Parameters of the block: a default each, or a type where they must be given."


def _bare_step() -> Schema:
    """`relu`: one that needs no attributes. Which do not, `defaults` may change. Or a parameter
    that is an op or a block, of which only the spec knows the name.

    Patterns rather than constants, which editors would complete as well as the key of the op, and
    make `conv: conv` of the two. `patternErrorMessage` is known to the YAML language server only.
    """
    words = {"type": "string", "patternErrorMessage": "neither an op nor the name of a block"}
    return {
        "anyOf": [
            *(
                words | {"pattern": f"^{name}$", "description": _about(op)}
                for name, op in STEP_OPS.items()
            ),
            words | {"pattern": BLOCK_NAME},
            words | {"pattern": f"^{SNAKE_CASE.pattern}$", "not": {"enum": [*OPS, *KEYS]}},
        ]
    }


def _op() -> Schema:
    """An op with attributes, as the value of a parameter; its word alone is an expression."""
    ops = {name: op for name, op in STEP_OPS.items() if keeps_shape(op)}
    return {
        "type": "object",
        "properties": {name: _or_null(_ref(f"op_{name}")) for name in ops},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _keyed_step() -> Schema:
    """A step that is a mapping: its own key, and what may stand beside that.

    One schema with all keys, not one for each kind of step: so each part is looked at once, however
    deep the steps are nested.
    """
    forms = {key: {"description": FORM_ABOUT[key]} | value for key, value in _form_values().items()}
    ops = {
        name: {"description": _about(op)} | _or_null(_ref(f"op_{name}"))
        for name, op in STEP_OPS.items()
    }
    arguments = _map("name_of_value", _ref("default"), "What a block of this spec is given.")
    return {
        "type": "object",
        "properties": forms | ops,
        "patternProperties": {BLOCK_NAME: arguments},
        "additionalProperties": _map(
            "name_of_value",
            _ref("default"),
            "A parameter that is a block, with what that is given; or one that is an op, whose"
            " attributes are given where it is named.",
        ),
        "propertyNames": {"pattern": f"{BLOCK_NAME}|^{SNAKE_CASE.pattern}$"},
        "minProperties": 1,
        "dependencies": _company(),
    }


def _form_values() -> dict[str, Schema]:
    """The values of all keys of steps that are no ops and no blocks."""
    condition = {"description": "`training`, or a condition on parameters."}
    return {
        **{key: _loop_head(key) for key in LOOPS},
        "when": condition | _ref("expression"),
        "branches": {"if": {"type": "object"}, "then": _branches(), "else": _ref("maps")},
        "use": _ref("reference"),
        "do": _ref("body"),
        "between": _ref("body"),
        "else": {"anyOf": [{"enum": [NOTHING]}, _ref("body")]},
        "join": {"enum": list(JOINS)},
        "name": _ref("new_name"),
        "from": _ref("map"),
    }


def _branches() -> Schema:
    """Branches by name, or the loop that makes them."""
    loop = {key: {"description": FORM_ABOUT[key]} | _loop_head(key) for key in LOOPS}
    return {
        "type": "object",
        "if": {"anyOf": [{"required": [key]} for key in LOOPS]},
        "then": {
            "properties": {**loop, "do": {"description": FORM_ABOUT["do"]} | _ref("body")},
            "required": ["do"],
            "maxProperties": 2,
            "additionalProperties": False,
        },
        "else": {
            "propertyNames": _ref("new_name"),
            "additionalProperties": _ref("branch"),
            "minProperties": 2,
        },
    }


def _loop_head(key: str) -> Schema:
    if key == "repeat":
        return _ref("expression")
    return _map("name_of_value", _ref("value")) | {"type": "object", "minProperties": 1}


def _branch() -> Schema:
    """Several steps, or one, which may be a `when` with `else: nothing`; or none.

    Which of both it is must be told by a glance, or nested branches would be looked at again and
    again.
    """
    several: Schema = {"type": "array", "minItems": 2}
    single: Schema = {"anyOf": [_bare_step(), _ref("keyed_step")]}
    alone: Schema = {"anyOf": [single, {"type": "null"}, {"type": "array", "items": single}]}
    nameless = {"not": _absent("name")}
    return {"if": several, "then": _ref("body"), "else": alone | nameless}


def _absent(*required: str) -> Schema:
    """What has `else: nothing`, and these keys."""
    said: Schema = {"else": {"enum": [NOTHING]}}
    return {"type": "object", "properties": said, "required": ["else", *required]}


def _company() -> dict[str, Schema]:
    """For each key, the keys that may or must stand beside it."""
    company: dict[str, Schema] = {
        name: {"propertyNames": {"enum": [name, "name", "from"]}} for name in STEP_OPS
    }
    for form, parts in FORMS.items():
        needed = [part for part in ("join", "do") if part in parts]
        company[form] = {"required": needed, "propertyNames": {"enum": [form, *parts]}}
    for part in sorted(PARTS - {"name", "from"}):
        owners = [form for form, parts in FORMS.items() if part in parts]
        company[part] = {"anyOf": [{"required": [owner]} for owner in owners]}
    company["name"] = {"not": {"propertyNames": {"enum": ["name", "from"]}}}
    return company


def _about(op: type[Op]) -> str:
    """The docstring in one line for each of its paragraphs."""
    paragraphs = (op.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _attributes(op: type[Op]) -> Schema:
    """The attributes of an op; which of them are required depends on `defaults`."""
    return {
        "type": "object",
        "properties": {name: _attribute(attribute) for name, attribute in op.attributes.items()},
        "additionalProperties": False,
    }


def _defaults(op: type[Op]) -> Schema:
    """Defaults for the attributes of an op, each of which an extending file may remove."""
    own = f"op_{op.name}/properties"
    properties = {name: _or_null(_ref(f"{own}/{name}")) for name in op.attributes}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _attribute(attribute: Attribute[Any]) -> Schema:
    schema: Schema = {"description": attribute.about}
    if not attribute.required:
        schema["default"] = attribute.default
    return schema | _values(attribute)


def _values(attribute: Attribute[Any]) -> Schema:
    """A literal value within its range, or an expression; pairs and sides as lists of them.

    One schema where that can be: editors explain an attribute once for each that its value fits.
    """
    bounds = {
        "minimum": attribute.minimum,
        "maximum": attribute.maximum,
        "exclusiveMinimum": attribute.above,
    }
    limits = {key: bound for key, bound in bounds.items() if bound is not None}
    null = ("null",) if attribute.optional else ()
    whole: Schema = {"type": ["integer", "string"], **limits}
    whole_or_list: Schema = {
        "type": ["integer", "string", "array", *null],
        "items": whole,
        **limits,
    }
    match attribute.kind:
        case "int":
            return {"type": ["integer", "string", *null], **limits}
        case "float":
            return {"type": ["number", "string", *null], **limits}
        case "bool":
            return {"type": ["boolean", "string", *null]}
        case "size":
            return whole_or_list | _items(2)
        case "ints":
            return _list(whole, null)
        case "table":
            return _list(_list(whole), null)
        case "padding":
            words: list[Schema] = [{"enum": [*attribute.choices]}] if attribute.choices else []
            others = [word for word in PADDING_WORDS if word not in attribute.choices]
            refused: Schema = {"not": {"enum": others}} if others else {}
            values = [*words, whole_or_list | _items(2), {"type": "array"} | _items(4)]
            return {"anyOf": values} | refused
        case "choice":
            null_too: list[str | None] = [None] if attribute.optional else []
            return {"anyOf": [{"enum": [*attribute.choices, *null_too]}, _ref("choice")]}
        case "init":
            return _ref("init")
        case "tensor":
            return _ref("reference")


def _list(items: Schema, null: tuple[str, ...] = ()) -> Schema:
    return {"type": ["array", "string", *null], "items": items}


def _items(count: int) -> Schema:
    """How many a list has, where there is one."""
    return {"minItems": count, "maxItems": count}


def _init() -> Schema:
    """A word, or a word with arguments."""
    words = [{"const": word, "description": i.about} for word, i in INITIALIZERS.items()]
    return {
        "anyOf": [
            {"type": "null"},
            *words,
            _ref("choice"),
            {
                "type": "object",
                "properties": {word: _arguments(i) for word, i in INITIALIZERS.items()},
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _arguments(initializer: Initializer) -> Schema:
    return {
        "description": initializer.about,
        "type": ["object", "null"],
        "properties": {a.name: _attribute(a) for a in initializer.arguments},
        "additionalProperties": False,
    }
