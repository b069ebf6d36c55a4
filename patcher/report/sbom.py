"""The components of a generated tree as a CycloneDX 1.6 document (https://cyclonedx.org): `verify --sbom`.

The serial number is made from the digests of the tree, and the time is `SOURCE_DATE_EPOCH` if that is set
(https://reproducible-builds.org/specs/source-date-epoch/): the document is then reproducible.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from patcher.errors import LibraryMissing
from patcher.upstream import foreign_json

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

_STATUS = "sidecar-patcher:status"


def to_sbom(manifest: Mapping[str, Any], package: bytes) -> str:
    """The JSON text of the document. package: the tree's `package.json`. Raises `LibraryMissing`."""
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        hint = "`pip install 'sidecar-patcher[sbom]'` brings it"
        raise LibraryMissing("cyclonedx-python-lib is not installed", where="--sbom", hint=hint) from error
    upstream, tool = manifest["upstream"], manifest["tool"]
    described = foreign_json.loads(package)
    whole = _component(upstream["name"], upstream["version"], described, application=True)
    ours = _component(tool["name"], tool["version"], {"license": "MIT"}, registry="pypi")
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    digests = json.dumps([upstream, tool, manifest["files"]], sort_keys=True)
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, digests),
        metadata=BomMetaData(component=whole, timestamp=at),
        components=[ours, *_dependencies(described), *_files(manifest)],
    )
    bom.register_dependency(whole, [ours, *(each for each in bom.components if each.purl and each is not ours)])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(
    name: str, version: str, package: Mapping[str, Any], *, application: bool = False, registry: str = "npm"
) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    licence, author = package.get("license"), package.get("author")
    return Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION if application else ComponentType.LIBRARY,
        bom_ref=f"{registry}:{name}",
        author=author if isinstance(author, str) else (author or {}).get("name"),
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
            purl = PackageURL("npm", namespace=group or None, name=name)
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
