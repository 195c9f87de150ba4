"""Where in the model the nodes of a file were: their modules, names and labels."""

from collections import Counter
from collections.abc import Mapping

from cnngen.foreign.graph import Node, Place
from cnngen.foreign.onnx_call import Scope
from cnngen.foreign.onnx_drafts import Draft
from cnngen.foreign.onnx_weights import WeightKeys
from cnngen.ops.base import Op


def placed(
    drafts: Mapping[str, Draft], inputs: Mapping[str, str], keys: WeightKeys
) -> dict[str, Node]:
    """Our nodes under their names, by the numbers of the drafts."""
    scopes = {name: _own_scope(draft) for name, draft in drafts.items()}
    leaves, owners = _leaves(scopes), _owners(drafts, scopes)
    names = dict(inputs)
    nodes: dict[str, Node] = {}
    taken = Counter(inputs.values())
    first: dict[tuple[str, ...], str] = {}
    for number, draft in drafts.items():
        scope = scopes[number]
        leaf = scope.layer or (scope.path if scope.path in leaves else "")
        if scope.layer and drafts[owners[leaf]].op.name != draft.op.name:
            leaf = ""
        modules = tuple(m for m in scope.modules if m.path != leaf)
        inner = modules[-1].path if modules else ""
        base = leaf or (f"{inner}.{draft.op.name}" if inner else draft.op.name)
        name = _unique(base, taken)
        label = leaf.removeprefix(f"{inner}.")
        names[number] = name
        weights = keys.of(draft)
        same = (leaf, draft.op.name, *weights.values())
        shared = first.get(same, "") if weights and _are_shared(draft, leaf) else ""
        first.setdefault(same, name)
        nodes[number] = Node(
            name,
            _with_names(draft, names),
            tuple(names[x] for x in draft.inputs),
            draft.shape,
            Place(modules, scope.line),
            label,
            weights,
            shares=shared,
        )
    return nodes


def _unique(base: str, taken: Counter[str]) -> str:
    taken[base] += 1
    if taken[base] == 1:
        return base
    name = f"{base}_{taken[base]}"
    return _unique(name, taken) if taken[name] else _take(name, taken)


def _take(name: str, taken: Counter[str]) -> str:
    taken[name] += 1
    return name


def _with_names(draft: Draft, names: Mapping[str, str]) -> Op:
    """The op, whose attributes may name another node."""
    tensors = {key: names[draft.op.values[key]] for key in draft.op.tensors}
    return type(draft.op)({**draft.op.values, **tensors}) if tensors else draft.op


def _own_scope(draft: Draft) -> Scope:
    """A layer is where its weight is: that a norm was folded into is said to be in the norm."""
    scope, weight = draft.scope, draft.weights.get("weight")
    if weight is None or len(weight.shape) < 2 or not weight.key.endswith(".weight"):
        return scope
    path = weight.key.removesuffix(".weight")
    if path == scope.path or not scope.known:
        return scope
    modules = tuple(m for m in scope.modules if path.startswith(f"{m.path}."))
    return Scope(modules, path, "", scope.line)


def _leaves(scopes: Mapping[str, Scope]) -> set[str]:
    """Modules that hold one node, and no other module: they are what that node is."""
    inner = Counter(s.modules[-1].path for s in scopes.values() if s.modules and not s.layer)
    outer = {m.path for s in scopes.values() for m in s.modules[:-1]}
    outer |= {s.modules[-1].path for s in scopes.values() if s.modules and s.layer}
    return {path for path, count in inner.items() if count == 1 and path not in outer}


def _owners(drafts: Mapping[str, Draft], scopes: Mapping[str, Scope]) -> dict[str, str]:
    """The node that a layer is, if it is several: the one with weights, or the first."""
    owners: dict[str, str] = {}
    for number, scope in scopes.items():
        known = owners.setdefault(scope.layer, number)
        if drafts[number].weights and not drafts[known].weights:
            owners[scope.layer] = number
    return owners


def _are_shared(draft: Draft, leaf: str) -> bool:
    """Exporters keep equal weights once: those of a fresh norm are no sign of a shared one."""
    return bool(leaf) or any(len(w.shape) > 1 for w in draft.weights.values())
