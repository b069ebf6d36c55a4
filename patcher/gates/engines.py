"""What the Node that runs upstream can do, by the `engines` of its `package.json`: names that it binds, and syntax.

Only names and syntax that came after Node 18, the oldest that any upstream of ours allows, have a version here.
"""

import json
import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from patcher.model import Tree

OLDEST = 18
_NAMES = {
    18: """
    AbortController AbortSignal AggregateError Atomics BigInt64Array BigUint64Array Blob BroadcastChannel
    ByteLengthQueuingStrategy CompressionStream CountQueuingStrategy DOMException DecompressionStream EvalError Event
    EventTarget FinalizationRegistry Float32Array Float64Array FormData Headers Int16Array Int32Array Int8Array Intl
    MessageChannel MessageEvent MessagePort PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver
    PerformanceObserverEntryList PerformanceResourceTiming ReadableByteStreamController ReadableStream
    ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader
    ReferenceError Request Response SharedArrayBuffer TextDecoderStream TextEncoderStream TransformStream
    TransformStreamDefaultController URIError Uint16Array Uint32Array Uint8ClampedArray WeakRef WebAssembly
    WritableStream WritableStreamDefaultController WritableStreamDefaultWriter atob btoa decodeURI encodeURI escape eval
    fetch performance structuredClone unescape
    """,
    20: "Crypto CryptoKey CustomEvent File SubtleCrypto crypto",
    22: "CloseEvent Iterator Navigator WebSocket navigator",
    24: "AsyncDisposableStack DisposableStack Float16Array SuppressedError URLPattern",
}
_NEVER = 10**6
_MODIFIERS = re.compile(r"\(\?[ims]*-?[ims]+:")


def least_node(tree: Tree) -> int:
    """The oldest Node that may run a tree, as its `engines` say; that of every upstream where they say nothing."""
    file = tree.get("package.json")
    try:
        wanted = json.loads(file.data)["engines"]["node"] if file else ""
        numbers = [int(found) for found in re.findall(r"(?:^|[\s>=^~v|])(\d+)(?:\.|\b)", wanted)]
    except (ValueError, KeyError, TypeError):
        numbers = []
    return max(min(numbers, default=OLDEST), OLDEST)


def names_of(node: int) -> frozenset[str]:
    """The global names that a Node of this version binds, besides those of every JavaScript."""
    return frozenset(name for since, names in _NAMES.items() if since <= node for name in names.split())


def newer(root: SgNode, node: int) -> Iterator[tuple[SgNode, str]]:
    """Syntax that a Node of this version has not, and what it is."""
    for found, what, since in _syntax(root):
        if since > node:
            yield found, f"{what} (Node {since})" if since < _NEVER else f"{what}, which no Node knows"


def _syntax(root: SgNode) -> Iterator[tuple[SgNode, str, int]]:
    yield from ((each, "a decorator", _NEVER) for each in root.find_all(kind="decorator"))
    yield from ((each, "`using`", 24) for each in root.find_all(kind="using_declaration"))
    for regex in root.find_all(kind="regex"):
        pattern, flags = regex.field("pattern"), regex.field("flags")
        if flags is not None and "v" in flags.text():
            yield regex, "the regular expression flag `v`", 20
        if pattern is not None and _MODIFIERS.search(pattern.text()):
            yield regex, "flags inside a regular expression", 24
    for statement in root.find_all(kind="import_attribute"):
        yield statement, "an import attribute", 20
