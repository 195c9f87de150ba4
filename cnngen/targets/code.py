"""Pieces of Python text: what templates may ask about a code, and what they may make of it."""

import ast
from decimal import Decimal, InvalidOperation


def suffixed(name: str, suffix: str) -> str:
    """The code of a name with something behind it.

    >>> suffixed('"stem_0"', "_pad"), suffixed("name", "_pad")
    ('"stem_0_pad"', 'f"{name}_pad"')
    """
    return f'{name[:-1]}{suffix}"' if name.endswith('"') else f'f"{{{name}}}{suffix}"'


def operand(code: str) -> str:
    """The code as it may stand next to an operator, in parentheses where it has operators of its
    own.

    >>> operand("0.17"), operand("depth - 1")
    ('0.17', '(depth - 1)')
    """
    match ast.parse(code, mode="eval").body:
        case ast.Constant() | ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call():
            return code
        case _:
            return f"({code})"


def squared(code: str) -> str:
    """The square, with the spaces that a formatter sets around the power of anything but a name or
    a number.
    """
    simple = isinstance(ast.parse(code, mode="eval").body, ast.Constant | ast.Name)
    return f"{code}**2" if simple else f"{operand(code)} ** 2"


def times(factor: int, code: str) -> str:
    """The product, computed where the code is a number (in decimals, so that 3 * 0.1 is 0.3)."""
    try:
        return str(factor * Decimal(code)).lower()
    except InvalidOperation:
        return f"{factor} * {operand(code)}"


def product(left: str, right: str) -> str:
    """The product of two codes, without a factor of 1.

    >>> product("channels", "1"), product("channels", "depth - 1")
    ('channels', 'channels * (depth - 1)')
    """
    if left == "1" or right == "1":
        return left if right == "1" else right
    return f"{operand(left)} * {operand(right)}"


def elements(code: str) -> list[str]:
    """The elements of a tuple's code; other code is its own only element.

    >>> elements("(0, kernel // 2)"), elements("kernel // 2")
    (['0', 'kernel // 2'], ['kernel // 2'])
    """
    tree = ast.parse(code, mode="eval").body
    parts = tree.elts if isinstance(tree, ast.Tuple) else [tree]
    return [ast.get_source_segment(code, part) or "" for part in parts]


def slice_of(start: str, stop: str) -> str:
    """`start:stop`, with the spaces that a formatter sets around the colon of anything but names
    and numbers.
    """
    start = "" if start == "0" else start
    bounds = [ast.parse(bound, mode="eval").body for bound in (start, stop) if bound]
    if all(isinstance(bound, ast.Constant | ast.Name) for bound in bounds):
        return f"{start}:{stop}"
    return f"{start} : {stop}".strip()


def centred(kernel: str, padding: str, dilation: str = "1") -> bool:
    """Whether all are numbers, and the padding on each side is half of what the window reaches
    beyond its centre.

    >>> centred("3", "1"), centred("(1, 7)", "(0, 3)"), centred("kernel", "kernel // 2")
    (True, True, False)
    """
    try:
        pairs = [_pair(code) for code in (kernel, padding, dilation)]
    except ValueError:
        return False
    return all(2 * pad == spread * (window - 1) for window, pad, spread in zip(*pairs, strict=True))


def odd(kernel: str) -> bool:
    """Whether the sides of a window are odd numbers."""
    try:
        return all(side % 2 for side in _pair(kernel))
    except ValueError:
        return False


def _pair(code: str) -> tuple[int, int]:
    """The numbers that a size's code stands for; raises `ValueError` where it is no constant."""
    match ast.literal_eval(code):
        case int(size):
            return size, size
        case (int(height), int(width)):
            return height, width
        case _:
            raise ValueError
