"""Starring out passwords before something is written down or shown. Standard library only."""

from __future__ import annotations

import re
from typing import Any

# Up to the last @ of the word: a password may hold / and @ itself.
URL_PASSWORD = re.compile(r"(://)\S+@")
NAME = r"(?:password|passwd|secret|token|api[-_]?key)"
SECRET_NAME = re.compile(NAME + "$", re.IGNORECASE)
SECRET_OPTION = re.compile(rf"({NAME}[^=\s]*[=:]\s*)\S+", re.IGNORECASE)


def without_secrets(value: Any, mark: str = "***") -> Any:
    """`value` with `mark` for user names and passwords in URLs, and for values of such names.

    Args:
        value: a string, or dicts and lists of strings and of what holds no secret.
    """
    if isinstance(value, dict):
        return {
            k: mark if isinstance(v, str) and SECRET_NAME.search(k) else without_secrets(v, mark)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(v, mark) for v in value]
    if isinstance(value, str):
        masked = URL_PASSWORD.sub(rf"\g<1>{mark}@", value)
        return SECRET_OPTION.sub(rf"\g<1>{mark}", masked)
    return value
