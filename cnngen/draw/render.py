"""Render: the templates of pictures, filled in. What comes from a spec is escaped wherever it
stands.
"""

from collections.abc import Callable, Mapping
from functools import cache

import jinja2

from cnngen.shipped import TEMPLATES

Filters = Mapping[str, Callable[[str], str]]


def render(template: str, filters: Filters | None = None, **values: object) -> str:
    """A template of `templates/draw` with these values. Templates of SVG and HTML escape by
    themselves; others name the filter that escapes.
    """
    environment = _environment()
    environment.filters.update(filters or {})
    return environment.get_template(template).render(values)


@cache
def _environment() -> jinja2.Environment:
    """One environment for all, as it keeps the templates that it has compiled."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES / "draw"),
        autoescape=jinja2.select_autoescape(("svg.jinja", "html.jinja")),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def text_of(name: str) -> str:
    """A part of a page that is no template: a style sheet, a script."""
    return (TEMPLATES / "draw" / name).read_text(encoding="utf-8")
