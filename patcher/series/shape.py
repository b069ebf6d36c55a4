"""Check at run time that each field of a declared series has the type that the model gives it.

Python does not check this, and a value of another type would fail much later, far from the declaration.
"""

import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from patcher.model import Contract, Overlay, Patch, Series, Site

_MOST = 60


def problems(series: Series) -> Iterator[tuple[str, str]]:
    """Pairs of a place (`acme.note`: a patch, a site or a contract) and the problem there."""
    yield from _object(series, series.name if isinstance(series.name, str) else "SERIES")


def _object(value: Any, place: str) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(type(value))
    for field in fields(value):
        yield from _field(getattr(value, field.name), hints[field.name], place, field.name)


def _field(value: Any, wanted: Any, place: str, name: str) -> Iterator[tuple[str, str]]:
    origin, inside = get_origin(wanted), get_args(wanted)
    if origin is tuple or origin is Sequence:
        if isinstance(value, str) or not isinstance(value, tuple if origin is tuple else Sequence):
            comma = "; a tuple of one needs a comma: `(…,)`" if _fits(value, inside[0]) else ""
            yield place, f"expected `{name}` to be a tuple of {_called(inside[0])}, found {_shown(value)}{comma}"
            return
        for each in value:
            yield from _field(each, inside[0], place, name)
    elif isinstance(value, str) and value != value.encode("utf-8", "replace").decode():
        yield place, f"expected `{name}` to be text, found {value!r}, which UTF-8 cannot write"
    elif not _fits(value, wanted):
        yield place, f"expected `{name}` to be {_called(wanted)}, found {_shown(value)}{_instead(value, wanted)}"
    elif is_dataclass(value):
        yield from _object(value, _place(value, place))


def _fits(value: Any, wanted: Any) -> bool:
    origin = get_origin(wanted)
    if wanted is Any:
        return True
    if origin in {Union, types.UnionType}:
        return any(_fits(value, each) for each in get_args(wanted))
    if wanted is int:
        return type(value) is int
    if origin is Callable or wanted is Callable:
        return callable(value)
    return isinstance(value, origin or wanted)


def _place(value: Any, place: str) -> str:
    if isinstance(value, Patch | Contract) and isinstance(value.id, str):
        return value.id
    if isinstance(value, Site):
        return f"{place}.{value.name}"
    return f"{place}, {value.path}" if isinstance(value, Overlay) else place


def _called(wanted: Any) -> str:
    if get_origin(wanted) in {Union, types.UnionType}:
        return " or ".join(_called(each) for each in get_args(wanted))
    origin = get_origin(wanted) or wanted
    name = {str: "text", int: "a number", bool: "True or False", type(None): "None", Callable: "a function"}
    return name.get(origin, getattr(origin, "__name__", str(origin)))


def _shown(value: Any) -> str:
    if isinstance(value, types.ModuleType):
        return f"the module {value.__name__.rpartition('.')[2]}"
    if is_dataclass(value):
        return f"a {type(value).__name__}"
    text = " ".join(repr(value).split())
    return f"{type(value).__name__} {text if len(text) <= _MOST else text[:_MOST] + '…'}"


def _instead(value: Any, wanted: Any) -> str:
    """The value that was probably meant, as the end of a message; empty where there is no guess."""
    if isinstance(value, types.ModuleType):
        name = {Patch: "PATCH", Contract: "CONTRACT"}.get(wanted)
        return f"; write `{value.__name__.rpartition('.')[2]}.{name}`" if name else ""
    choices = [each for each in (wanted, *get_args(wanted)) if isinstance(each, type) and issubclass(each, Enum)]
    for choice in choices:
        named = [each for each in choice if each.value == value]
        if named:
            return f"; write `{choice.__name__}.{named[0].name}`"
    return ""
