"""Names: what those of the author are called in a PyTorch file.

Where a file needs the word for what it imports or what Python has, or for an argument of ours, the
author's name gets an underscore behind it, which no spec can write; so does the name of a layer
that PyTorch's modules or Python cannot have as an attribute. Our own classes and functions step
aside instead, and so do variables and the arguments for channels and areas.
"""

from collections.abc import Set as AbstractSet

from cnngen.semantics.network import Layer
from cnngen.semantics.resolve import Resolution
from cnngen.semantics.walk import loop_variables
from cnngen.syntax.naming import BUILT_IN, KEYWORDS
from cnngen.syntax.tree import Spec

IMPORTED = frozenset(
    ["Callable", "F", "NamedTuple", "OrderedDict", "Tensor"]
    + ["functools", "math", "nn", "partial", "torch"]
)
CHANNELS = "in_channels"
OURS = IMPORTED | {CHANNELS, "init_weights", "self"}
IN_FORWARD = IMPORTED | BUILT_IN | {"self", "x"}

# What `nn.Module`, `nn.Sequential` and `nn.ModuleDict` have themselves. Written down rather than
# asked of the installed PyTorch, so that files of weights fit everywhere; a test compares them.
_OF_MODULES = """
    T_destination add_module append apply bfloat16 buffers call_super_init children clear
    compile cpu cuda double dump_patches eval extend extra_repr float forward get_buffer
    get_extra_state get_parameter get_submodule half insert ipu items keys load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty train training type update
    values xpu zero_grad
"""
MODULES = frozenset(_OF_MODULES.split())
ATTRIBUTES = MODULES | {"out_channels"} | KEYWORDS


def called(name: str) -> str:
    """The name of the network's class, of a parameter or of a variable of a loop.

    >>> called("nn"), called("depth")
    ('nn_', 'depth')
    """
    return f"{name}_" if name in OURS | BUILT_IN else name


def tensor(name: str) -> str:
    """The name of a tensor that a `forward` gets beside its input."""
    return f"{name}_" if name in IN_FORWARD else name


def attribute(key: str) -> str:
    """The name of a module for a part of a layer's path.

    >>> attribute("add_module"), attribute("stem")
    ('add_module_', 'stem')
    """
    return f"{key}_" if key in ATTRIBUTES else key


def module_name(path: str) -> str:
    """The name that the module of a layer, or one around it, has in a model: with a weight behind
    it, this is a key of the `state_dict`.

    >>> module_name("stem.values.0")
    'stem.values_.0'
    """
    return ".".join(map(attribute, path.split(".")))


def weight_key(layer: Layer, weight: str) -> str:
    """The key of a weight in the `state_dict`."""
    return f"{module_name(layer.path)}.{weight}"


def model_class_name(spec: Spec) -> str:
    return called(spec.name.text)


def tuple_name(spec: Spec) -> str:
    """The class of what a model with several outputs returns."""
    return f"{model_class_name(spec)}Outputs"


def block_class_name(block: str, spec: Spec) -> str:
    """The class of a block, which steps aside for those of the network."""
    of_network = block in (model_class_name(spec), tuple_name(spec))
    return f"{block}_" if of_network or block in OURS | BUILT_IN else block


def own_argument(symbol: str, authors: AbstractSet[str]) -> str:
    """The argument that a symbol of the plan becomes, such as the channels of a second tensor.

    >>> own_argument("skip channels", {"width"}), own_argument("skip channels", {"skip_channels"})
    ('skip_channels', 'skip_channels_')
    """
    name = symbol.removesuffix(" 1").replace(" ", "_")  # the first of several has no number
    return f"{name}_" if name in authors - OURS else name


def author_names(resolution: Resolution) -> frozenset[str]:
    """The names that an author gave to what is a class, an argument or a variable in a file."""
    spec = resolution.spec
    parts = (*resolution.order, *spec.stages)
    parameters = [*spec.parameters, *(p for block in resolution.order for p in block.parameters)]
    classes = {model_class_name(spec), tuple_name(spec), *(b.name.text for b in resolution.order)}
    variables = {name for part in parts for name in loop_variables(part.body)}
    inputs = {each.name.text for each in spec.inputs}
    return frozenset(classes | variables | inputs | {p.name.text for p in parameters})
