"""The result for one ref, and for many refs on all cores."""

import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from itertools import pairwise

from patcher import pipeline
from patcher.errors import PatcherError
from patcher.matrix.model import RefResult
from patcher.model import Build, Finding, Patch, Verdict
from patcher.upstream.history import Repository

_CHUNKS_PER_CORE = 3  # few, so that neighbouring refs, which share most of their blobs, are judged in one process
_MIN_PARALLEL_REFS = 5  # for fewer, starting processes takes longer than it saves


def judge(repository: Repository, ref: str, series: Sequence[Patch]) -> RefResult:
    """The result of every stage and every gate on one ref. A tree that cannot be read is a result too."""
    commit = repository.commit_id(ref)
    try:
        build = pipeline.check_upstream(repository.upstream(ref), series)
    except PatcherError as error:
        message = f"the tree cannot be judged: {error.message}"
        findings = tuple(Finding(patch.id, patch.file, Verdict.MISSING, message=message) for patch in series)
        return RefResult(ref, "", commit, findings, (f"{error.code}: {error.where}: {error.message}",))
    known = {patch.id for patch in series}
    findings = tuple(finding for finding in build.findings if finding.patch in known)
    upstream = build.upstream
    return RefResult(ref, upstream.version, commit, findings, tuple(_reasons(build)), build.notes, upstream.line)


def _reasons(build: Build) -> Iterator[str]:
    for stop in build.stops:
        where = f"{stop.file}:{stop.line}" if stop.line else stop.file
        yield f"{stop.patch}: {stop.verdict} in {where}: {stop.message}"
    for gate in build.gates:
        if not gate.ok:
            yield f"gate {gate.id}: {gate.message}"


@contextmanager
def judging(
    source: Repository, refs: Sequence[str], series: Sequence[Patch], cores: int | None = None
) -> Iterator[Iterator[list[RefResult]]]:
    """Judge refs in processes, which are running when the block begins; yields results in order of completion.

    refs: in history order, so that each blob is parsed once in a process. cores: default all that this process may use.
    """
    cores = cores or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if cores == 1 or len(refs) < _MIN_PARALLEL_REFS or "fork" not in multiprocessing.get_all_start_methods():
        with Repository.open(source.path, client=source.client) as repository:
            yield ([judge(repository, ref, series)] for ref in refs)
        return
    context = multiprocessing.get_context("fork")  # shares imports, and the series, which cannot be pickled
    with ProcessPoolExecutor(cores, context, initializer=_start, initargs=(source, tuple(series))) as pool:
        with _interrupts_wait():
            futures = [pool.submit(_judge_all, chunk) for chunk in chunks(refs, cores * _CHUNKS_PER_CORE)]
        try:
            yield (future.result() for future in as_completed(futures))
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Block SIGINT while the workers start. They inherit the block, so that only the parent handles Ctrl-C."""
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


def chunks(refs: Sequence[str], number: int) -> list[Sequence[str]]:
    """At most `number` chunks of consecutive refs, whose lengths differ by at most one."""
    number = min(number, len(refs))
    bounds = [len(refs) * each // number for each in range(number + 1)]
    return [refs[start:end] for start, end in pairwise(bounds)]


class _Worker:
    """The state of one worker process between its tasks."""

    repository: Repository
    series: tuple[Patch, ...]


def _start(source: Repository, series: tuple[Patch, ...]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Worker.repository = Repository.open(source.path, client=source.client)  # its git process is the parent's
    _Worker.series = series


def _judge_all(refs: Sequence[str]) -> list[RefResult]:
    return [judge(_Worker.repository, ref, _Worker.series) for ref in refs]
