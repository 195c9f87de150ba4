"""Random nodes of Python, of the kinds that templates and targets make."""

from hypothesis import strategies as st

from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Dictionary,
    Display,
    Do,
    For,
    Function,
    If,
    Keyword,
    Name,
    Node,
    Number,
    Parameter,
    Raise,
    Return,
    Slice,
    Starred,
    Statement,
    String,
    Subscript,
    Unary,
)

WORDS = ["x", "i", "nn", "width", "channels", "in_channels", "a_rather_long_name"]
OPERATORS = ["+", "-", "*", "//", "%", "**", "==", "<", "and", "or", "not in", "is not", "|"]


def _formatted(name: Node, text: str) -> String:
    return String((name, text))


names = st.sampled_from(WORDS).map(Name)
numbers = st.sampled_from(["0", "1", "-1", "1e-5", "None", "False", "2048"]).map(Number)
texts = st.sampled_from(["same", "# [not a comment", 'a "quoted" (word, ', "it's", "{}", "\\"])
strings = st.one_of(
    texts.map(lambda text: String((text,))),
    st.builds(_formatted, names, st.sampled_from(["_conv_0", "_{"])),
)
leaves: st.SearchStrategy[Node] = st.one_of(names, numbers, strings)


def rarely() -> st.SearchStrategy[bool]:
    return st.sampled_from([False] * 9 + [True])


def _call(function: Node, plain: list[Node], named: dict[str, Node], explode: bool) -> Node:
    given = (*plain, *(Keyword(name, value) for name, value in named.items()))
    return Call(function, given, explode and bool(given))


def _calls(
    functions: st.SearchStrategy[Node], inner: st.SearchStrategy[Node]
) -> st.SearchStrategy[Node]:
    plain = st.lists(inner | st.builds(Starred, names), max_size=4)
    named = st.dictionaries(st.sampled_from(["kernel_size", "stride", "name"]), inner, max_size=3)
    return st.builds(_call, functions, plain, named, rarely())


def _pair(first: Node, second: Node) -> Node:
    return Display("bare", (first, second))


def _single(item: Node) -> Node:
    return Display("(", (item,))


def _entry(key: Node, value: Node) -> Node:
    return Dictionary(((key, value),))


def _sum(each: Node) -> Node:
    return Call(Name("sum"), (Comprehension("", each, Name("i"), each),))


def compounds(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Nodes made of others. Of what has brackets only one attribute is read: several are a chain,
    which ruff breaks at its dots.
    """
    members = st.sampled_from(["relu", "conv", "BatchNormalization"])
    dotted: st.SearchStrategy[Node] = names | st.builds(Attribute, names, members)
    bounds = st.none() | names | st.builds(Binary, st.just("+"), names, numbers)
    slices: st.SearchStrategy[Node] = st.builds(Slice, bounds, bounds, bounds)
    several = st.builds(_pair, slices, slices | numbers)
    subscripts: st.SearchStrategy[Node] = st.builds(
        Subscript, dotted, st.one_of(numbers, names, slices, several)
    )
    called = _calls(dotted, inner)
    calls = called | _calls(called, inner) | _calls(subscripts, inner)
    members_of_calls = _calls(st.builds(Attribute, called, members), inner)
    chains = st.one_of(dotted, calls, subscripts, members_of_calls)
    items = st.lists(inner, min_size=2, max_size=4).map(tuple[Node, ...])
    displays: st.SearchStrategy[Node] = st.one_of(
        st.builds(Display, st.sampled_from(["[", "("]), items, rarely()),
        st.builds(_single, inner),
        st.builds(_entry, strings, inner),
        st.builds(Comprehension, st.just("["), inner, names, chains),
        st.builds(_sum, calls),
    )
    operands = st.one_of(chains, chains, displays, numbers)
    operations: st.SearchStrategy[Node] = st.builds(
        Binary, st.sampled_from(OPERATORS), operands, operands
    )
    nested: st.SearchStrategy[Node] = st.builds(
        Binary, st.sampled_from(OPERATORS), operands | operations, operations
    )
    signs: st.SearchStrategy[Node] = st.builds(
        Unary, st.sampled_from(["-", "not"]), operands | operations
    )
    conditions: st.SearchStrategy[Node] = st.builds(
        Conditional, operations, chains | operations, operands | signs
    )
    chosen: st.SearchStrategy[Node] = st.builds(Conditional, chains, conditions, conditions)
    return st.one_of(
        *[chains] * 3, displays, operations, operations, nested, signs, conditions, chosen
    )


_SMALL = compounds(leaves)
values = compounds(_SMALL | leaves)

_types = st.sampled_from(["int", "Tensor", "tuple[int, ...]", "int | tuple[int, int]"])
_parameters = st.lists(st.tuples(_types, st.none() | numbers), max_size=5).map(
    lambda items: tuple(
        Parameter(f"parameter_{n}", kind, default)
        for n, (kind, default) in enumerate(sorted(items, key=lambda item: item[1] is not None))
    )
)
BODY: tuple[Statement, ...] = (Return(Name("x")),)


def _assigned(name: str, value: Node) -> Statement:
    return Assign((Name(name),), value)


def _attribute(name: str, value: Node) -> Statement:
    return Assign((Attribute(Name("self"), name),), value)


def _unpacked(first: Node, second: Node) -> Statement:
    return Assign((_pair(Name("x"), Name("i")),), _pair(first, second))


def _augmented(value: Node) -> Statement:
    return Augment(Name("channels"), "+", value)


def _raised(value: Node) -> Statement:
    return Raise(Call(Name("ValueError"), (value,)))


def _done(value: Node) -> Statement:
    return Do(Call(Name("append"), (value,)))


def _branches(first: Node, second: Node) -> Statement:
    return If(((first, BODY), (second, BODY), (None, BODY)))


def _loop(target: Node, iterable: Node) -> Statement:
    return For(target, iterable, BODY)


def _function(parameters: tuple[Parameter, ...], returns: str) -> Statement:
    return Function("forward", parameters, returns, BODY)


statements: st.SearchStrategy[Statement] = st.one_of(
    st.builds(_assigned, st.sampled_from(WORDS), values),
    st.builds(_attribute, st.sampled_from(WORDS), values),
    st.builds(_unpacked, values, values),
    st.builds(_augmented, values),
    st.builds(Return, values),
    st.builds(_raised, values),
    st.builds(_done, values),
    st.builds(_branches, values, values),
    st.builds(_loop, names | st.builds(_pair, names, names), values),
    st.builds(_function, _parameters, _types),
)
