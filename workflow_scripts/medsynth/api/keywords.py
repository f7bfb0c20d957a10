"""Settings that are given as keywords."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from numbers import Integral
from typing import Any, TypeVar

from pydantic import ValidationError

from medsynth.runtime.settings import Settings
from medsynth.store.errors import MedsynthError

S = TypeVar("S", bound=Settings)


class SettingError(MedsynthError):
    """There is no such setting, or no such value of it."""


def whole_number(value: Any, name: str, least: int) -> int:
    """A whole number of any type that is one; True is none.

    Raises:
        SettingError: it is no whole number, or less than `least`.
    """
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not whole or value < least:
        raise SettingError(f"{name}: {value!r} is no whole number of {least} or more")
    return int(value)


def checked(
    form: type[S], given: Mapping[str, Any], whose: str, *, elsewhere: Collection[str] = ()
) -> S:
    """Settings of this form, with those that are given changed.

    Args:
        whose: for messages.
        elsewhere: settings that are given in another way.

    Raises:
        SettingError: one of them is not as it must be; the message names all.
    """
    known = sorted(set(form.model_fields) - set(elsewhere))
    if unknown := sorted(set(given) - set(known)):
        raise SettingError(
            f"{', '.join(unknown)}: no such setting of {whose}; there are {', '.join(known)}"
        )
    try:
        return form(**given)
    except ValidationError as error:
        wrong = [
            f"{e['loc'][0]}: {e['msg'].removeprefix('Value error, ')}, not {e['input']!r}"
            for e in error.errors()
        ]
        raise SettingError("; ".join(wrong)) from None
