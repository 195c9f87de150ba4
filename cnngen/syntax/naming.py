"""Naming: how names are spelled, and which ones are reserved."""

import re
from typing import Literal

from cnngen.diagnostics.model import Report
from cnngen.source import Source, Span
from cnngen.syntax.tree import Identifier

NameKind = Literal["spec", "block", "parameter", "variable", "stage", "step", "branch", "output"]
BESIDE_HELPERS: tuple[NameKind, ...] = ("spec", "block", "parameter", "variable")

LONGEST_NAME = 40
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
CAP_WORDS = re.compile(r"[A-Z][A-Za-z0-9]*((?<=[0-9])_(?=[0-9])[A-Za-z0-9]+)*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Written down rather than asked of the running Python and the installed PyTorch, so that a spec is
# valid everywhere or nowhere; a test compares them.
LANGUAGE = _words("""
    between branches ceil cnngen do each false from half input int join len make_divisible max
    min name null range repeat round same sum training true when
""")

PYTHON = _words("""
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup
    BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
    ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError
    DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception
    ExceptionGroup False FileExistsError FileNotFoundError FloatingPointError FutureWarning
    GeneratorExit IOError ImportError ImportWarning IndentationError IndexError InterruptedError
    IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError
    NameError None NotADirectoryError NotImplemented NotImplementedError OSError OverflowError
    PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError
    RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
    StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError True
    TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
    UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError abs
    aiter all and anext any as ascii assert async await bin bool break breakpoint bytearray
    bytes callable chr class classmethod compile complex continue copyright credits def del
    delattr dict dir divmod elif else enumerate eval except exec exit filter finally float for
    format from frozenset getattr global globals hasattr hash help hex id if import in input int
    is isinstance issubclass iter lambda len license list locals map max memoryview min next
    nonlocal not object oct open or ord pass pow print property quit raise range repr return
    reversed round set setattr slice sorted staticmethod str sum super try tuple type vars while
    with yield zip
""")

MODULES = _words("""
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
""")

GENERATED = _words("""
    Callable Constant F KerasTensor Module ModuleDict ModuleList NamedTuple OrderedDict Orthogonal
    RandomNormal RandomUniform Sequential Tensor TruncatedNormal VarianceScaling
    channels cls forward functools i image in_channels init_weights initializers input_shape keras
    layers math module name nn ops out_channels partial self sides sys torch training_heads typing x
""")

# Classes and functions that a target may put into the file: no block, parameter or variable can
# have such a name. A stage can, for it is an attribute.
HELPERS = _words("""
    Add Affine BatchNorm Concat Crop2d DropPath GatherChannels GlobalMaxPool2d LayerNorm2d Max Mean
    Multiply PadChannels PaddedAvgPool2d PaddedConv2d RBF SameAvgPool2d SameConv2d SameMaxPool2d
    Scale SeparableConv2d SliceChannels adaptive_avg_pool adaptive_max_pool affine2d avg_pool2d
    channel_shuffle conv2d depthwise_conv2d dilated_half half initialized local_response_norm
    make_divisible max_pool2d pad_same pair pixel_shuffle pixel_unshuffle rbf reshape
    same_avg_pool2d same_pad separable_conv2d transposed_conv2d
""")

LOOK_ALIKES = _words("l I O")  # of digits; linters refuse them

# Names of Python that no function of a generated file can have: keywords, and built-ins that such
# files use; a test finds them all.
READ = _words("""
    and as assert async await bool break class continue def del elif else enumerate except finally
    float for from global if import in int is isinstance lambda len list max min nonlocal not object
    or pass raise range return round str sum super try tuple while with yield zip
""")
HIDDEN = READ | GENERATED | HELPERS

RESERVED: frozenset[str] = LANGUAGE | PYTHON | MODULES | GENERATED | LOOK_ALIKES


_FUNCTIONS = {name.replace("_", "") for name in HELPERS if name.islower()}


def check_name(identifier: Identifier, kind: NameKind, report: Report) -> bool:
    """Report a name that a spec may not give to something of this kind; whether it may."""
    name = identifier.text
    cap_words = kind in ("spec", "block")
    if len(name) > LONGEST_NAME:
        message, help = (
            f"the name of {_a(kind)} has at most {LONGEST_NAME} characters",
            "choose a shorter name",
        )
    elif not (CAP_WORDS if cap_words else SNAKE_CASE).fullmatch(name):
        form = "CapWords" if cap_words else "snake_case"
        message, help = f"the name of {_a(kind)} is written in {form}", _respelled(name, cap_words)
    elif name in RESERVED or (kind in BESIDE_HELPERS and _is_helper(name)):
        message, help = (
            f"`{name}` cannot be the name of {_a(kind)}: {_owner(name)}",
            f"choose another name, such as `{_another(name, kind)}`",
        )
    elif kind == "block" and (function := snake_case(name)) in HIDDEN:
        message, help = (
            f"`{name}` cannot be the name of a block: it would be `{function}` in Keras, and"
            f" {_owner(function)}",
            f"choose another name, such as `{_another(name, kind)}`",
        )
    else:
        return True
    report.add("bad-name", message, identifier.span, help=help)
    return False


def _a(kind: NameKind) -> str:
    return f"an {kind}" if kind == "output" else f"a {kind}"


def _another(name: str, kind: NameKind) -> str:
    """A name like one that is reserved."""
    word = {"spec": "Net", "block": "Block", "parameter": "value", "variable": "value"}.get(
        kind, kind
    )
    return name + word if kind in ("spec", "block") else f"{name.strip('_').lower()}_{word}"


def can_be_called(name: str, kind: NameKind) -> bool:
    """Whether a spec may give this name to something of this kind."""
    return check_name(Identifier(name, Span(Source("", ""), 0, 0)), kind, Report())


def snake_case(name: str) -> str:
    """`DenseBlock` -> `dense_block`, `ResNet50` -> `res_net50`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _is_helper(name: str) -> bool:
    """Whether generated code may have a function or an argument of this name."""
    argument = re.fullmatch("area(_[0-9]+)?", name) is not None  # the size of a flattened map
    return name in HELPERS or argument or (name[0].isupper() and name.lower() in _FUNCTIONS)


def _respelled(name: str, cap_words: bool) -> str:
    """What to write for a name in the wrong style."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name) if name.isascii() else []
    if cap_words:
        # Only where digits meet on both sides does a border between words stay visible.
        spelled = re.sub(
            r"(?<![0-9])_|_(?![0-9])", "", "_".join(w[0].upper() + w[1:] for w in words)
        )
    else:
        spelled = re.sub(r"_(?=[0-9])", "", "_".join(words).lower())
    good = (CAP_WORDS if cap_words else SNAKE_CASE).fullmatch(spelled) and spelled not in RESERVED
    example = "DenseBlock" if cap_words else "dense_block"
    return f"write `{spelled}`" if good else f"write it like `{example}`"


def _owner(name: str) -> str:
    """Why a name is reserved."""
    if name in LANGUAGE:
        return "it is a word of the language"
    if name in PYTHON:
        return "Python uses it"
    if name in LOOK_ALIKES:
        return "it looks like a digit"
    return "PyTorch's modules use it" if name in MODULES else "the generated code uses it"
