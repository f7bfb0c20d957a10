"""What a value must be, in words of people who know YAML and not pydantic."""

from __future__ import annotations

from pydantic_core import ErrorDetails

from medsynth.runtime.settings import NAME

MUST_BE = {
    **dict.fromkeys(
        ["model_type", "model_attributes_type", "dict_type"], "must be a group of keys"
    ),
    **dict.fromkeys(["missing", "union_tag_not_found"], "is missing"),
    **dict.fromkeys(["list_type", "tuple_type"], "must be a list, as in [a, b]"),
    **dict.fromkeys(["int_type", "int_parsing", "int_from_float"], "must be a whole number"),
    **dict.fromkeys(["int_parsing_size"], "must be a whole number, and a smaller one"),
    **dict.fromkeys(["float_type", "float_parsing", "finite_number"], "must be a number"),
    **dict.fromkeys(["bool_type", "bool_parsing"], "must be true or false"),
    "string_type": "must be text",
    "path_type": "must be a path",
    "less_than_equal": "must be at most {le:.12g}",
    "less_than": "must be below {lt:.12g}",
    "greater_than_equal": "must be at least {ge:.12g}",
    "greater_than": "must be above {gt:.12g}",
    "multiple_of": "must be a multiple of {multiple_of:.12g}",
    "too_short": "must have at least {min_length}, and has {actual_length}",
    "too_long": "must have at most {max_length}, and has {actual_length}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
}


def what_it_must_be(error: ErrorDetails) -> str:
    """What is wrong with a value.

    Args:
        error: of pydantic's validation.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch" and context["pattern"] == NAME:
        return "a name has lower-case letters, digits and _, a letter first"
    if kind in MUST_BE:
        return MUST_BE[kind].format(**context)
    return error["msg"].removeprefix("Value error, ")
