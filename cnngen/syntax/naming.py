"""Naming: how names are spelled, and which ones are reserved."""

import re
from typing import Literal

from cnngen.diagnostics.model import Report
from cnngen.source import Source, Span
from cnngen.syntax.tree import Identifier

NameKind = Literal[
    "spec",
    "block",
    "parameter",
    "field",
    "variable",
    "stage",
    "step",
    "branch",
    "input",
    "output",
]

LONGEST_NAME = 40
SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
ACTIVATION = re.compile("(?:P?ReLU|SiLU|GELU|SELU|ELU)(?![a-z])")  # each is one word
CAP_WORDS = re.compile(r"[A-Z][A-Za-z0-9]*((?<=[0-9])_(?=[0-9])[A-Za-z0-9]+)*")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The words of the language: those that a spec is built of, and those that mean something in an
# expression. What frameworks and generated files use is not here: a target renames on its own side.
STRUCTURE = _words("""
    between branches cnngen do each false input join name nothing null repeat true when
""")
IN_EXPRESSIONS = _words("""
    ceil half int len make_divisible max min range round same sum training
""")
LANGUAGE = STRUCTURE | IN_EXPRESSIONS

# Written down rather than asked of the running Python, so that a spec is valid everywhere or
# nowhere, and means the same; a test compares them.
KEYWORDS = _words("""
    False None True and as assert async await break class continue def del elif else except
    finally for from global if import in is lambda nonlocal not or pass raise return try while
    with yield
""")
BUILT_IN = _words("""
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup
    BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError
    ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError
    DeprecationWarning EOFError Ellipsis EncodingWarning EnvironmentError Exception
    ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning
    GeneratorExit IOError ImportError ImportWarning IndentationError IndexError
    InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
    ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError
    OSError OverflowError PendingDeprecationWarning PermissionError ProcessLookupError
    PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError
    RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError
    SystemExit TabError TimeoutError TypeError UnboundLocalError UnicodeDecodeError
    UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning
    ValueError Warning ZeroDivisionError abs aiter all anext any ascii bin bool breakpoint
    bytearray bytes callable chr classmethod compile complex copyright credits delattr dict
    dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr
    hash help hex id input int isinstance issubclass iter len license list locals map max
    memoryview min next object oct open ord pow print property quit range repr reversed round
    set setattr slice sorted staticmethod str sum super tuple type vars zip
""")

LOOK_ALIKES = _words("l I O")  # of digits; linters refuse them

RESERVED: frozenset[str] = KEYWORDS | STRUCTURE | LOOK_ALIKES
"""What nothing may be called."""
OF_VALUES: tuple[NameKind, ...] = ("parameter", "field", "variable")  # which stand in expressions


def reserved(kind: NameKind) -> frozenset[str]:
    """The names that a spec may not give to something of this kind."""
    return RESERVED | IN_EXPRESSIONS if kind in OF_VALUES else RESERVED


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
    elif name in reserved(kind):
        message, help = (
            f"`{name}` cannot be the name of {_a(kind)}: {_owner(name)}",
            f"choose another name, such as `{_another(name, kind)}`",
        )
    else:
        return True
    report.add("bad-name", message, identifier.span, help=help)
    return False


def _a(kind: NameKind) -> str:
    return f"an {kind}" if kind in ("input", "output") else f"a {kind}"


def _another(name: str, kind: NameKind) -> str:
    """A name like one that is reserved."""
    word = {
        "spec": "Net",
        "block": "Block",
        "parameter": "value",
        "field": "value",
        "variable": "value",
    }.get(kind, kind)
    return name + word if kind in ("spec", "block") else f"{name.strip('_').lower()}_{word}"


def can_be_called(name: str, kind: NameKind) -> bool:
    """Whether a spec may give this name to something of this kind."""
    return check_name(Identifier(name, Span(Source("", ""), 0, 0)), kind, Report())


def snake_case(name: str) -> str:
    """`DenseBlock` -> `dense_block`, `ResNet50` -> `res_net50`, `ConvBNReLU` -> `conv_bn_relu`."""
    whole = ACTIVATION.sub(lambda found: found[0].capitalize(), name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", whole).lower()


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
    if name in KEYWORDS:
        return "Python uses it"
    return "it looks like a digit"
