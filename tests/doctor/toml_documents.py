"""Random documents that are TOML, nearly TOML, and not TOML, and what Python's own reader says of each."""

import random
import tomllib
from typing import Any

_KEYS = ("a", "b", "c", "hooks", "features", '"a b"', "'x.y'", '"é\\n"', "1", '""')
_PLAIN = (
    "1", "-1", "+1_000", "0x1F", "0o7", "0b1", "1.5", "1e5", "inf", "nan", "-0", "1979-05-27", "07:32:00",
    "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5", "01", "1__0", "1.", "+true", "1_", "0x", "5e", "1979-5-2",
)  # fmt: skip
_STRINGS = (
    "'lit'", "''", "'''a'b'''", "'''\nx\ny'''", "'''''a'''''", "'a\\n'", '"x"', '""', '"a\\tb"', '"\\u00e9"',
    '"\\U0001F600"', '"\\q"', '"\\ud800"', '"a\\"b"', '"\\\\"', '"""a"b"""', '"""\na\\\n   b"""', '"""a""""',
    '"""a"""""', '"""\\\\\n x"""', '"""\\  \n\n  z"""', '"""x\\ y"""', '"a',
)  # fmt: skip
_ODD_LINES = ("", "# comment", "[a", "= 1", "[]", "a", "a = ", "\x00", "[ a . b ]", "a = 1 b = 2", "\ta.b.c='x'")
_DEEPEST = 3


def document(chance: random.Random) -> str:
    """A few lines: pairs, headers, and odd ones."""
    lines = [_line(chance) for _ in range(chance.randrange(1, 8))]
    return chance.choice(["\n", "\n", "\r\n"]).join(lines) + chance.choice(["", "\n"])


def read(text: str) -> Any:
    """What Python's reader makes of it, numbers and dates left out; None when it refuses."""
    try:
        return _plain(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {"table": {key: _plain(each) for key, each in value.items()}}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | bool) else {"unread": True}


def _line(chance: random.Random) -> str:
    kind = chance.randrange(10)
    behind = chance.choice(["", "", " # c"])
    if kind < 5:  # noqa: PLR2004 - half of the lines
        return chance.choice(["", " "]) + _key(chance) + chance.choice(["=", " = "]) + _value(chance, 0) + behind
    if kind < 8:  # noqa: PLR2004
        return f"[{_key(chance)}]{behind}"
    return f"[[{_key(chance)}]]" if kind == 8 else chance.choice(_ODD_LINES)  # noqa: PLR2004


def _key(chance: random.Random) -> str:
    return ".".join(chance.choice(_KEYS) for _ in range(chance.choice([1, 1, 1, 2, 3])))


def _value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(10)
    if kind < 2:  # noqa: PLR2004
        return chance.choice(["true", "false"])
    if kind < 4:  # noqa: PLR2004
        return chance.choice(_PLAIN)
    if kind < 7 or depth == _DEEPEST:  # noqa: PLR2004
        return chance.choice(_STRINGS)
    if kind == 9:  # noqa: PLR2004
        pairs = ", ".join(f"{_key(chance)} = {_value(chance, depth + 1)}" for _ in range(chance.randrange(3)))
        return "{ " + pairs + chance.choice(["", " ", ","]) + "}"
    values = chance.choice([", ", ",", ",\n", ", # c\n"]).join(
        _value(chance, depth + 1) for _ in range(chance.randrange(4))
    )
    return f"[{values}{chance.choice(['', ',', chr(10)])}]"
