"""What a generated tree has of whom, as CycloneDX 1.6 (https://cyclonedx.org): `verify --sbom`.

The serial number is made from the tree's own digests, and the time is that of `SOURCE_DATE_EPOCH`
(https://reproducible-builds.org/specs/source-date-epoch/) where it is set: then one tree has one text.
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
    """The text of the document. package: the tree's `package.json`. Raises `LibraryMissing`."""
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        hint = "`pip install 'sidecar-patcher[sbom]'` brings it"
        raise LibraryMissing("cyclonedx-python-lib is not installed", where="--sbom", hint=hint) from error
    upstream, tool = manifest["upstream"], manifest["tool"]
    told = foreign_json.loads(package)
    whole = _component(upstream["name"], upstream["version"], told, application=True)
    ours = _component(tool["name"], tool["version"], {"license": "MIT"}, registry="pypi")
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    digests = json.dumps([upstream, tool, manifest["files"]], sort_keys=True)
    bom = Bom(
        serial_number=uuid5(NAMESPACE_URL, digests),
        metadata=BomMetaData(component=whole, timestamp=at),
        components=[ours, *_dependencies(told), *_files(manifest)],
    )
    bom.register_dependency(whole, [ours, *(each for each in bom.components if each.purl and each is not ours)])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(
    name: str, version: str, told: Mapping[str, Any], *, application: bool = False, registry: str = "npm"
) -> "Component":
    from cyclonedx.factory.license import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    licences = [LicenseFactory().make_from_string(told["license"])] if isinstance(told.get("license"), str) else []
    author = told.get("author")
    return Component(
        name=name,
        version=version,
        type=ComponentType.APPLICATION if application else ComponentType.LIBRARY,
        bom_ref=f"{registry}:{name}",
        author=author if isinstance(author, str) else (author or {}).get("name"),
        licenses=licences,
        purl=PackageURL(registry, name=name, version=version),
    )


def _dependencies(told: Mapping[str, Any]) -> Iterator["Component"]:
    """What the sidecar's `package.json` asks npm for, with the range that it asks for."""
    from cyclonedx.model.component import Component, ComponentScope
    from packageurl import PackageURL

    for kind, scope in (
        ("dependencies", ComponentScope.REQUIRED),
        ("optionalDependencies", ComponentScope.OPTIONAL),
    ):
        asked = told.get(kind)
        for full, version in sorted(asked.items()) if isinstance(asked, dict) else ():
            group, _, name = full.rpartition("/")
            purl = PackageURL("npm", namespace=group or None, name=name)
            yield Component(
                name=name, group=group or None, version=str(version), scope=scope, purl=purl, bom_ref=f"npm:{full}"
            )


def _files(manifest: Mapping[str, Any]) -> Iterator["Component"]:
    """Every file: `copied` is upstream's as it is, `patched` upstream's with payloads of ours, `added` ours."""
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
