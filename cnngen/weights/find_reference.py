"""Which model the text of `--from` or `--against` means."""

from collections.abc import Mapping
from typing import Any

from cnngen.weights.own import NoModuleError, OwnModel
from cnngen.weights.published import FORMS, PublishedModel, package_of
from cnngen.weights.reference import NoModelError, Reference


def find_reference(
    text: str, stem: str, arguments: Mapping[str, Any], option: str = "--argument"
) -> Reference:
    """A model of a package, by name, or one of the user's: `file.py:Class`.

    Raises `NoModelError`; the `option` is the one that gives arguments.
    """
    if package_of(text) or ":" not in text:
        return PublishedModel.of(text, stem, arguments)
    try:
        return OwnModel.of(text, arguments, option)
    except NoModuleError as error:
        raise NoModelError(f"`{text}` is none of {FORMS}: {error}") from None
