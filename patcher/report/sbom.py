"""The components of a generated tree as a CycloneDX 1.6 document (https://cyclonedx.org): `verify --sbom`.

The serial number is made from the digests of the tree, and the time is `SOURCE_DATE_EPOCH` if that is set
(https://reproducible-builds.org/specs/source-date-epoch/): the document is then reproducible.
"""

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from patcher.errors import LibraryMissing, ManifestUnreadable, UsageError
from patcher.upstream import foreign_json

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

_STATUS = "sidecar-patcher:status"
_NAMED = ("name", "version")


def to_sbom(manifest: Mapping[str, Any], package: bytes) -> str:
    """The JSON text of the document. package: the tree's `package.json`.

    Raises `LibraryMissing`; `ManifestUnreadable` for one without what the document needs; and `UsageError` for a
    `SOURCE_DATE_EPOCH` that is not a time.
    """
    try:
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        hint = "`pip install 'sidecar-patcher[sbom]'` brings it"
        raise LibraryMissing("cyclonedx-python-lib is not installed", where="--sbom", hint=hint) from error
    _refuse_incomplete(manifest)
    with warnings.catch_warnings():  # that it deprecates fields that readers know; `python -W error` would raise it
        warnings.simplefilter("ignore", DeprecationWarning)
        return str(JsonV1Dot6(_bom(manifest, package)).output_as_string(indent=2)) + "\n"


def _bom(manifest: Mapping[str, Any], package: bytes) -> "Bom":
    from cyclonedx.model.bom import Bom, BomMetaData

    upstream, tool = manifest["upstream"], manifest["tool"]
    described = foreign_json.loads(package)
    whole = _component(upstream["name"], upstream["version"], described, application=True)
    ours = _component(tool["name"], tool["version"], {"license": "MIT"}, registry="pypi")
    digests = json.dumps([upstream, tool, manifest["files"]], sort_keys=True)
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, digests),
        metadata=BomMetaData(component=whole, timestamp=_time()),
        components=[ours, *_dependencies(described), *_files(manifest)],
    )
    bom.register_dependency(whole, [ours, *(each for each in bom.components if each.purl and each is not ours)])
    return bom


def _refuse_incomplete(manifest: Mapping[str, Any]) -> None:
    whole = all(_has_texts(manifest.get(key), _NAMED) for key in ("upstream", "tool"))
    if not whole or not all(_has_texts(entry, ("path", "after", "status")) for entry in manifest["files"]):
        message = "the manifest does not say what is in the tree, and what made it"
        raise ManifestUnreadable(message, hint="build the tree again: `sidecar-patcher build --out DIR`")


def _has_texts(value: object, names: Iterable[str]) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(name), str) for name in names)


def _time() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(epoch if epoch.isascii() and epoch.isdecimal() else "none"), UTC)
    except (ValueError, OverflowError, OSError) as error:
        message = f"expected SOURCE_DATE_EPOCH to be the seconds since 1970, found {epoch[:40]!r}"
        hint = "`export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)` sets it; `unset SOURCE_DATE_EPOCH` takes now"
        raise UsageError(message, hint=hint) from error


def _component(
    name: str, version: str, package: Mapping[str, Any], *, application: bool = False, registry: str = "npm"
) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    licence, author = package.get("license"), package.get("author")
    author = author.get("name") if isinstance(author, dict) else author
    return Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION if application else ComponentType.LIBRARY,
        bom_ref=f"{registry}:{name}",
        author=author if isinstance(author, str) else None,
        licenses=[LicenseFactory().make_from_string(licence)] if isinstance(licence, str) else [],
        purl=PackageURL(registry, name=name, version=version),
    )


def _dependencies(package: Mapping[str, Any]) -> Iterator["Component"]:
    """The dependencies in the sidecar's `package.json`, with their version ranges."""
    from cyclonedx.model.component import Component, ComponentScope
    from packageurl import PackageURL

    for kind, scope in (
        ("dependencies", ComponentScope.REQUIRED),
        ("optionalDependencies", ComponentScope.OPTIONAL),
    ):
        wanted = package.get(kind)
        for full, version in sorted(wanted.items()) if isinstance(wanted, dict) else ():
            group, _, name = full.rpartition("/")
            purl = PackageURL("npm", namespace=group or None, name=name) if name else None  # npm takes no such name
            yield Component(
                name=name, group=group or None, version=str(version), scope=scope, purl=purl, bom_ref=f"npm:{full}"
            )


def _files(manifest: Mapping[str, Any]) -> Iterator["Component"]:
    """Every file: `copied` (upstream's), `patched` (upstream's with our payloads) or `added` (ours)."""
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component, ComponentType

    for entry in manifest["files"]:
        yield Component(
            name=entry["path"],
            type=ComponentType.FILE,
            bom_ref=f"file:{entry['path']}",
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=entry["after"])],
            properties=[Property(name=_STATUS, value=entry["status"])],
            modified=entry["status"] == "patched",
        )
