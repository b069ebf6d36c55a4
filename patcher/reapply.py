"""A tree that has payloads of ours already: taken out before the flow, and compared with ours after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from patcher import markers
from patcher.errors import NotReversible, NotUtf8
from patcher.model import File, Finding, Overlay, Patch, Upstream, Verdict

_HINT = "build from a pristine tree, or take our payloads out with `sidecar-patcher revert DIR --out DIR2`"


@dataclass(frozen=True)
class Taken:
    """The tree without anything of ours, and the payloads that were in it, by file and splice."""

    pristine: Upstream
    blocks: Mapping[str, Mapping[str, markers.Block]]
    findings: tuple[Finding, ...]


def take_out(upstream: Upstream) -> Taken:
    """Take payloads and files of ours out of a tree. A tree that has none comes back as it is."""
    tree = {path: file for path, file in upstream.tree.items() if not _is_ours(file)}
    blocks: dict[str, Mapping[str, markers.Block]] = {}
    findings = []
    for path, file in tree.items():
        if markers.BEGIN_MARK not in file.data:
            continue
        try:
            text, blocks[path] = markers.unsplice(decode(file, path), path)
            tree[path] = replace(file, data=text.encode())
        except NotReversible as error:
            findings.append(_tampered("", path, error.message))
    untouched = not blocks and len(tree) == len(upstream.tree)
    return Taken(upstream if untouched else replace(upstream, tree=tree), blocks, tuple(findings))


def decode(file: File, path: str) -> str:
    """The text of a file that a patch needs. Raises `NotUtf8`."""
    try:
        return file.data.decode()
    except UnicodeDecodeError as error:
        message = f"expected UTF-8, found the byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise NotUtf8(message, where=path, hint="convert the file to UTF-8; nothing was written") from error


def judge(there: Taken, texts: Mapping[str, str], series: Sequence[Patch]) -> Iterator[Finding]:
    """For each payload that was there: `applied` when it is what we put there now, else `tampered`."""
    fresh = {
        (path, block.id): block.inner
        for path in there.blocks
        for block in markers.unsplice(texts.get(path, ""), path)[1].values()
    }
    known = {patch.id for patch in series}
    for path, blocks in there.blocks.items():
        for block in blocks.values():
            if block.patch not in known:
                yield _tampered(block.patch, path, f"no patch of the series is named {block.patch}", block.line)
            elif fresh.get((path, block.id)) == block.inner:
                yield Finding(block.patch, path, Verdict.APPLIED, block.line)
            else:
                message = f"the payload {block.id} is there, and is not what we render"
                yield _tampered(block.patch, path, message, block.line)


def judge_overlay(given: Upstream, patch: Patch, overlay: Overlay, ours: File) -> Finding | None:
    """A finding where the tree has a file at the path of ours: ours, an edited one of ours, or one of upstream's."""
    there = given.tree.get(overlay.path)
    if there is None:
        return None
    if there.data == ours.data:
        return Finding(patch.id, overlay.path, Verdict.APPLIED, 1)
    if _is_ours(there):
        return _tampered(patch.id, overlay.path, "our file is there, and is not what we render")
    message = f"expected no such file, found one of upstream's own ({given.label})"
    hint = f"rename our overlay in `patcher/patches/{patch.id}.py`"
    return Finding(patch.id, overlay.path, Verdict.DRIFTED, 1, "", message, hint)


def _is_ours(file: File) -> bool:
    return markers.GENERATED in file.data[:1024]


def _tampered(patch: str, path: str, message: str, line: int = 1) -> Finding:
    return Finding(patch, path, Verdict.TAMPERED, line, "", message, _HINT)
