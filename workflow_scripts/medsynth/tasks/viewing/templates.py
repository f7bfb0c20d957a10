"""The templates of the page and of the views, all with the same rules and filters.

The macros of macros.html are for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from medsynth.tasks.viewing.metric_tables import baselines_of
from medsynth.tasks.viewing.numbers import figure, number, patients

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parents[2]),
    autoescape=lambda name: not (name or "").endswith(".md"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(number=number, figure=figure, patients=patients, baselines=baselines_of)


def render(template: str, **values: Any) -> Markup:
    """A template filled in.

    Args:
        template: file below the package, as in ``tasks/generation/metrics.html``.
        values: what it names; text is escaped, Markup is not, and in Markdown neither.

    Raises:
        jinja2.UndefinedError: it names something that is not given.
    """
    return Markup(_ENVIRONMENT.get_template(template).render(**values))  # noqa: S704, escaped
