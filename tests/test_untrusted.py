"""A spec is untrusted input: however large, deep or clever, the checker ends soon, with a diagnostic
or a network.
"""

from pathlib import Path

import pytest
from support.untrusted_specs import HEAD, check, codes

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report


def block(name: str, body: str, params: str = "{}") -> str:
    return f"  {name}: {{about: B., params: {params}, body: {body}}}\n"


def doubling(levels: int, first: str, around: str = "[{0}, {0}]") -> str:
    """Blocks of which each uses the one before it twice."""
    blocks = [block("B0", first)]
    blocks += [block(f"B{i}", around.format(f"B{i - 1}")) for i in range(1, levels + 1)]
    return f"blocks:\n{''.join(blocks)}model: {{start: relu, stem: B{levels}}}\n"


def nested(count: int, opening: str, inside: str, closing: str = "}") -> str:
    return f"model: {{start: relu, stem: {opening * count}{inside}{closing * count}}}\n"


def conv(out: str) -> str:
    return f'model: {{stem: {{conv: {{out: "{out}", kernel: 1}}}}}}\n'


def many(count: int, item: str) -> str:
    return ", ".join(item.replace("#", str(i)) for i in range(count))


LAYERS = {
    "repeat": "model: {stem: {repeat: 1000000000, do: relu}}\n",
    "nested repeats": nested(40, "{repeat: 200, do: ", "relu"),
    "nested eaches": "model: {a: {each: {p: range(9999)}, do: {each: {q: range(9999)}, do: relu}}}\n",
    "doubling blocks": doubling(60, "relu"),
    "doubling behind a condition": doubling(40, "{when: input.channels > 1, do: relu}"),
    "counts of channels": nested(40, "{repeat: input.channels, do: ", "identity"),
    "growing counts": "model: {a: {repeat: 99, do: {repeat: input.channels, do:"
    " {conv: {out: 2 * input.channels, kernel: 1}}}}}\n",
}
EFFORT = {
    "loops around nothing": nested(4, "{repeat: 99999, do: ", "{when: false, do: relu}"),
    "lists around nothing": "model: {a: relu, b: {each: {p: range(9999)}, do:"
    " {each: {q: range(9999)}, do: {when: p == q + 1, do: {when: false, do: relu}}}}}\n",
    "doubling blocks of nothing": doubling(60, "{when: false, do: relu}"),
    "long sums": "model: {a: {each: {p: range(9999)}, do:"
    " {dropout: {rate: 0 * (sum(range(9999)) + p)}}}}\n",
    "chain of blocks": doubling(3000, "relu", "[{0}]"),
    "deep steps and blocks": doubling(99, "relu", "{{repeat: 1, do: {0}}}"),
    "long lists in many layers": "model: {a: {repeat: 9999, do:"
    ' {gather_channels: {channels: "[0, 1, 2] * 3333"}}}}\n',
    "large tables in many layers": "model: {a: [global_avg_pool, flatten, {linear: {out: 99}}],"
    ' b: {repeat: 9999, do: {rbf: {codes: "[[0] * 99] * 99", bits: 1}}}}\n',
    "power": conv("9**9**9**9"),
    "negative power": conv("int(0.5 ** (0 - 10**11))") + "params: {p: 2 ** (9 ** 9)}\n",
    "repeated list": conv("len([0] * 1000000000)"),
    "repeated empty list": conv("len([[]] * 1000000000)"),
    "list of lists": conv("len([[[[[[0] * 9] * 9] * 9] * 9] * 9])"),
    "range": conv("len(range(10**12))"),
    "number": conv("9" * 900),
    "long expression": conv("1 + " * 9000 + "1"),
    "brackets": conv("(" * 400 + "1" + ")" * 400),
    "lists in each other": conv("[" * 400 + "]" * 400),
    "lists in many expressions": f"model: {{s: {{each: {{a: [{many(990, chr(34) + '[' + '1,' * 490 + '1]' + chr(34))}]}}, do: relu}}}}\n",
    "parentheses in many expressions": f"model: {{s: [{many(970, '{conv: {out: ' + chr(34) + '(1)+' * 240 + '1' + chr(34) + ', kernel: 1}}')}]}}\n",
    "signs": conv("-" * 900 + "1"),
    "nots": conv("not " * 200 + "true"),
    "indices": conv("p" + "[0]" * 300),
    "yaml lists": f"model: {'[' * 5000}{']' * 5000}\n",
    "unclosed brackets": f"model: {'[' * 500_000}",
    "unclosed braces": f"model: {'{a: ' * 200_000}",
    "dashes": "model:\n" + "- " * 300_000,
    "question marks": "? " * 300_000,
    "values": f"params: {{p: [{many(60_000, '1')}]}}\n",
    "parameters": f"params: {{{many(5000, 'p#: 1')}}}\nmodel: {{stem: relu}}\n",
    "growing sizes": "model: {a: {repeat: 9999, do: {upsample: {scale: 65535}}}}\n",
    "growing channels": "model: {a: {repeat: 9999, do:"
    " {branches: {p: identity, q: identity}, join: concat}}}\n",
    "parts of a vector": "model: {a: flatten, b: {repeat: 99, do:"
    " {branches: {p: identity, q: identity}, join: concat}}}\n",
}
STEPS = f"[{many(2500, '{relu: , name: s#, from: t#}')}]"
NAMES = {
    "unknown ops": f"model: {{stem: [{many(9000, 'op#')}]}}\n",
    "unknown blocks": f"blocks:\n{''.join(block(f'Block{i}', 'relu') for i in range(1200))}"
    f"model: {{stem: [{many(4000, 'Blocc#')}]}}\n",
    "unknown names": f"params: {{{many(100, 'p#: 1')}}}\n"
    f"model: {{stem: [{many(2500, '{dropout: {rate: q#}}')}]}}\n",
    "unknown stages": f"model: {{{many(3000, 's#: {from: t#, relu: }')}}}\n",
    "unknown steps": f"blocks:\n{block('B', STEPS)}model: {{stem: B}}\n",
    "unknown attributes": f"model: {{stem: {{conv: {{{many(9000, 'a#: 1')}}}}}}}\n",
    "unread stages": f"model: {{{many(3000, 's#: {from: input, relu: }')}}}\n",
    "aliases in a line": f"a: [{'*a, ' * 100_000}]\nmodel: {{stem: relu}}\n",
    "signs that are not seen": f"a: {chr(0x202E) * 300_000}\nmodel: {{stem: relu}}\n",
    "circle of blocks": f"blocks:\n"
    f"{''.join(block(f'B{i}', f'B{(i + 1) % 2000}') for i in range(2000))}model: {{stem: B0}}\n",
    "circle of stages": f"model: {{{many(3000, 's#: {branches: {p: , q: {from: s2999}}, join: add}')}}}\n",
    "two steps of one name": f"model: {{stem: [{many(4000, '{relu: , name: same_name}')}]}}\n",
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_counted_before_they_are_laid_out(name: str, tmp_path: Path):
    assert codes(HEAD + LAYERS[name], tmp_path) <= {"too-many-layers", "too-large"}


@pytest.mark.parametrize("name", EFFORT)
def test_effort_is_bounded(name: str, tmp_path: Path):
    refused = {"too-large", "bad-expression", "unknown-name", "yaml-syntax", "missing-key"}
    assert codes(HEAD + EFFORT[name], tmp_path) & refused


@pytest.mark.parametrize("name", NAMES)
def test_many_mistakes_take_no_longer_than_few(name: str, tmp_path: Path):
    assert check(HEAD + NAMES[name], tmp_path)[1].failed


def test_blocks_that_are_never_used_are_followed_once(tmp_path: Path):
    guarded = "[{{when: false, do: {0}}}, {{when: false, do: {0}}}]"
    spec = "params: {k: 1}\n" + doubling(48, "{conv: {out: 3, kernel: k}}", guarded)
    network, _ = check(HEAD + spec, tmp_path)
    assert network and list(network.layers) == ["start"]


def test_the_deepest_of_everything_is_no_recursion_error(tmp_path: Path):
    """Just within the limits, which must keep to Python's."""
    deep = "(" * 24 + "1" + " + 1)" * 24
    network, _ = check(
        HEAD + nested(55, "{when: 1 == 1, do: ", f"{{conv: {{out: {deep}, kernel: 1}}}}"), tmp_path
    )
    assert network
    network, _ = check(
        HEAD + doubling(48, f"{{conv: {{out: {deep}, kernel: 1}}}}", "{{repeat: 1, do: {0}}}"),
        tmp_path,
    )
    assert network


def test_aliases_are_refused_before_they_multiply(tmp_path: Path):
    laughs = "\n".join(f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]" for i in range(1, 20))
    assert codes(f"{HEAD}b0: &b0 relu\n{laughs}\nmodel: *b19\n", tmp_path) >= {"unsupported-yaml"}


def test_a_file_that_extends_itself(tmp_path: Path):
    assert codes(f"{HEAD}extends: spec.yaml\nmodel: {{stem: relu}}\n", tmp_path) == {"bad-extends"}


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, b"\xff\xfe\0\0", bytes(range(256)) * 100, b"\xef\xbb\xbf", b"a: \xc3"],
)
def test_bytes_that_are_no_text(content: bytes, tmp_path: Path):
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    report = Report()
    assert analyse_file(path, report) is None and report.failed
