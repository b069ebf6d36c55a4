"""Run the Python code of a series: `series.py` of a directory, and the modules that it imports from there.

It is always compiled from source. Python recognises stale bytecode by time and size only, so a series that was edited
twice within a second could be loaded in its former version.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module, invalidate_caches
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from types import CodeType, ModuleType

from patcher.errors import SeriesNotLoaded
from patcher.model import digest
from patcher.series.where import ENTRY

_PREFIX = "sidecar_series_"


def run(directory: str) -> ModuleType:
    """The module `series.py` of a directory. Raises `SeriesNotLoaded`, which names the author's line.

    The directory becomes a package with a unique name, so `from .patches import note` works there, and two series
    cannot import each other by accident.
    """
    name = _PREFIX + digest(os.path.realpath(directory).encode("utf-8", "surrogateescape"))[:16]
    for known in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[known]  # it may have been edited
    if not any(isinstance(each, _Finder) for each in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    invalidate_caches()
    try:
        _package(name, directory)
        return import_module(f"{name}.{ENTRY.removesuffix('.py')}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also `SystemExit`
        raise _not_loaded(error, directory) from error


def modules_of(entry: ModuleType) -> list[ModuleType]:
    """The modules that were imported by loading a series, `series.py` last."""
    package = entry.__name__.rpartition(".")[0]
    inner = [module for name, module in sys.modules.items() if name.startswith(f"{package}.") and module is not entry]
    return [*inner, entry]


class _Source(SourceFileLoader):
    """Always compiles the source; neither reads nor writes bytecode."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _Finder(MetaPathFinder):
    """Finds the modules of a series in the folders of its package."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As in `importlib`."""
        del target
        if not fullname.startswith(_PREFIX):
            return None
        for folder in path or ():
            found = FileFinder(folder, (_Source, [".py"])).find_spec(fullname)
            if found is not None:
                return found
        return None


def _package(name: str, directory: str) -> None:
    init = os.path.join(directory, "__init__.py")
    if os.path.isfile(init):
        loader = _Source(name, init)
        spec = spec_from_file_location(name, init, loader=loader, submodule_search_locations=[directory])
        package = module_from_spec(spec) if spec else ModuleType(name)
        sys.modules[name] = package
        loader.exec_module(package)
        return
    package = ModuleType(name)
    package.__path__ = [directory]
    sys.modules[name] = package


def _not_loaded(error: BaseException, directory: str) -> SeriesNotLoaded:
    """The error of their Python code with its place, which is the last frame in their own files."""
    message = traceback.format_exception_only(error)[-1].strip()
    root = os.path.join(directory, "")
    frames = [each for each in traceback.extract_tb(error.__traceback__) if each.filename.startswith(root)]
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else os.path.join(directory, ENTRY)
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{error.filename}:{error.lineno}"
    return SeriesNotLoaded(f"its Python ended with {message}", where=where, hint=_hint(error, directory))


def _hint(error: BaseException, directory: str) -> str:
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    is_local = missing and (
        os.path.isdir(os.path.join(directory, missing)) or os.path.isfile(os.path.join(directory, f"{missing}.py"))
    )
    if is_local:
        return f"the directory is a package: write `from .{missing} import …`"
    return "mend that line; `python3 -m py_compile FILE` finds what does not parse"
