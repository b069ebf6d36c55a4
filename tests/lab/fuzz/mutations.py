"""Strategies that damage what is valid: bytes, and JSON by its structure."""

import copy
import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

_WORDS = (
    b"\0",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"../",
    b"/",
    b"\\",
    b"\n",
    b'"',
    b"'",
    b"{",
    b"[[[",
    b"-1",
    b"1e999",
    b"9" * 5000,
)
_KINDS = ("flip", "put", "over", "cut", "double", "end")
_DEEP = "<deep %d>"


def damaged(valid: st.SearchStrategy[bytes], words: Sequence[bytes] = (), most: int = 4) -> st.SearchStrategy[bytes]:
    """The bytes with up to `most` edits: a bit, a word put in or over, a part cut out, doubled, or all behind it."""
    edit = st.tuples(
        st.sampled_from(_KINDS), st.integers(0, 1 << 20), st.integers(1, 300),
        st.sampled_from([*words, *_WORDS]) | st.binary(min_size=1, max_size=6),
    )  # fmt: skip
    return st.builds(_edited, valid, st.lists(edit, max_size=most))


def _edited(data: bytes, edits: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    for kind, anywhere, length, word in edits:
        at = anywhere % (len(data) + 1)
        head, tail = data[:at], data[at:]
        if kind == "flip":
            tail = bytes([tail[0] ^ 1 << length % 8]) + tail[1:] if tail else tail
        elif kind == "put":
            tail = word + tail
        elif kind == "over":
            tail = word + tail[len(word) :]
        elif kind == "cut":
            tail = tail[length:]
        elif kind == "double":
            tail = tail[:length] + tail
        else:
            tail = b""
        data = head + tail
    return data


def changed_json(valid: Any, values: Sequence[Any] = (), most: int = 4) -> st.SearchStrategy[bytes]:
    """A document with values of other types, keys left out, added and doubled, nested deeply; its bytes damaged too."""
    keys = sorted({key for holder, key in _places(valid) if isinstance(holder, dict)})
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8)
    value = st.one_of(
        plain,
        st.sampled_from([*values, "", "\ud800", "../x", [], {}, [[]], {"": {}}, 10**400, -1, 1e308]),
        st.lists(plain, max_size=3),
        st.dictionaries(st.sampled_from(keys) | st.text(max_size=4), plain, max_size=3),
        st.sampled_from([100, 900, *range(940, 1000), 5000, 100_000]).map(lambda depth: _DEEP % depth),
    )
    edit = st.tuples(
        st.integers(0, 1 << 16), st.sampled_from(["set", "set", "drop", "add"]), st.sampled_from(keys), value
    )
    document = st.builds(_changed, st.just(valid), st.lists(edit, max_size=most), st.booleans())
    doubled = [json.dumps(key).encode() + b": 3, " for key in keys]
    return st.one_of(document, document, damaged(document, doubled, most=2))


def _places(document: Any) -> list[tuple[Any, Any]]:
    found = []
    for key in document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ():
        found += [(document, key), *_places(document[key])]
    return found


def _changed(valid: Any, edits: Sequence[tuple[int, str, str, Any]], plain: bool) -> bytes:
    holder: Any = {"it": copy.deepcopy(valid)}
    for which, what, name, value in edits:
        places = _places(holder)
        inner, key = places[which % len(places)] if places else (holder, "it")
        if what == "set":
            inner[key] = copy.deepcopy(value)
        elif what == "drop" and inner is not holder:
            del inner[key]
        elif what == "add" and isinstance(inner[key], dict):
            inner[key][name] = copy.deepcopy(value)
        elif what == "add" and isinstance(inner[key], list):
            inner[key].append(copy.deepcopy(value))
    text = json.dumps(holder["it"], ensure_ascii=plain)
    while (at := text.find('"<deep ')) >= 0:
        end = text.index('>"', at)
        depth = int(text[at + 7 : end])
        text = f"{text[:at]}{'[' * depth}{']' * depth}{text[end + 2 :]}"
    return text.encode("utf-8", "surrogatepass")
