"""Initial distributions that are written like calls of a function, as Python would have it."""

import re

CALL = re.compile(r"(?P<word>\w+)\s*\((?P<arguments>[^()]*)\)", re.ASCII)
ARGUMENT = re.compile(r"(?:(?P<name>\w+)\s*=\s*)?['\"]?(?P<value>[\w.+-]+)['\"]?", re.ASCII)
LONGEST = 200


def distribution_in_braces(text: str) -> str | None:
    """How a spec writes it; None where it is something else, or its arguments are not known.

    >>> distribution_in_braces("he_normal(fan_out)")
    '{he_normal: {mode: fan_out}}'
    >>> distribution_in_braces("trunc_normal(std=0.01)")
    '{trunc_normal: {std: 0.01}}'
    >>> distribution_in_braces("max(a, b)")
    """
    call = CALL.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if call is None:
        return None
    from cnngen.ops.initializer import INITIALIZERS  # behind the syntax, and seldom needed

    known = INITIALIZERS.get(call["word"])
    if known is None:
        return None
    given: list[str] = []
    left = {argument.name: argument for argument in known.arguments}
    for part in filter(None, map(str.strip, call["arguments"].split(","))):
        argument = ARGUMENT.fullmatch(part)
        if argument is None:
            return None
        value = argument["value"]
        fitting = (n for n, a in left.items() if bool(a.choices) == (value in a.choices))
        name = argument["name"] or next(fitting, None)
        if name not in left:
            return None
        del left[name]
        given.append(f"{name}: {value}")
    return f"{{{known.word}: {{{', '.join(given)}}}}}" if given else known.word
