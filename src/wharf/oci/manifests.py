"""Manifests and indexes: what a registry must understand of them (image-spec: manifest.md, image-index.md).

The bytes are kept as they came, so parsing has only to find what the registry acts on, and to refuse what two readers
could understand differently: duplicate keys, a manifest that is also an index (CVE-2021-41190), a media type that
differs from the Content-Type.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn

from wharf.oci import media_types
from wharf.oci.digest import Digest
from wharf.oci.errors import DigestInvalid, ManifestInvalid, shorten

MAX_SIZE_BYTES = 4 * 1024 * 1024
_MAX_CONTENT_BYTES = 2**63 - 1
_SCHEMA_VERSION = 2


class ManifestKind(StrEnum):
    """An image names a config and layers, an index names manifests."""

    IMAGE = "image"
    INDEX = "index"


class Descriptor(NamedTuple):
    """A reference to content by media type, digest and size."""

    media_type: str
    digest: Digest
    size_bytes: int
    # False where nobody has to push the content: foreign layers, content to be had from `urls`, content within `data`.
    required: bool = True
    artifact_type: str | None = None
    platform: Mapping[str, str | list[str]] | None = None
    annotations: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A parsed manifest or index. `layers` and `manifests` keep the order and the duplicates of the document."""

    kind: ManifestKind
    media_type: str
    artifact_type: str | None
    config: Descriptor | None
    layers: tuple[Descriptor, ...]
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None
    annotations: Mapping[str, str]

    @property
    def referrer_type(self) -> str | None:
        """The artifact type under which a referrer is listed: an image without one goes by its config's media type."""
        return self.artifact_type or (self.config.media_type if self.config else None)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """The manifests an index names, each once."""
        return _unique(entry for entry in self.manifests if _is_manifest(entry))

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """The blobs named here, each once, whether or not they have to exist.

        An index may name some too: BuildKit's cache lists its layers and config as if they were manifests.
        """
        entries = (entry for entry in self.manifests if not _is_manifest(entry))
        return _unique((*((self.config,) if self.config else ()), *self.layers, *entries))

    @property
    def required_blobs(self) -> tuple[Digest, ...]:
        """The digests of the blobs the repository has to have before it accepts this manifest."""
        return tuple(blob.digest for blob in self.blobs if blob.required)


def parse(body: bytes, content_type: str | None = None) -> Manifest:
    """Read a manifest that was pushed with a Content-Type header (or none); raises ManifestInvalid."""
    document = _load(body)
    media_type = _media_type(document, content_type)
    if document.get("schemaVersion") != _SCHEMA_VERSION:
        raise ManifestInvalid("schemaVersion must be 2")
    if media_type in media_types.INDEXES:
        _refuse_fields(document, "an index", ("config", "layers"))
        kind, config = ManifestKind.INDEX, None
    else:
        _refuse_fields(document, "an image manifest", ("manifests",))
        kind, config = ManifestKind.IMAGE, _descriptor(document.get("config"), "config")
    return Manifest(
        kind=kind,
        media_type=media_type,
        artifact_type=_text(document, "artifactType", "") or None,
        config=config,
        layers=_descriptors(document.get("layers"), "layers"),
        manifests=_descriptors(document.get("manifests"), "manifests"),
        subject=None if document.get("subject") is None else _descriptor(document["subject"], "subject"),
        annotations=_annotations(document.get("annotations"), ""),
    )


# Reading JSON ------------------------------------------------------------------------------------------------------


class _Ambiguous(ValueError):
    """A document that different parsers read differently."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Ambiguous("an object has the same key twice")
    return result


def _constant(name: str) -> NoReturn:
    raise _Ambiguous(f"{name} is not JSON")


# One pass in C. orjson and msgspec are faster but let the last of two equal keys win without a word.
_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)

# An escaped half of a surrogate pair has no UTF-8, and NUL is refused by PostgreSQL: neither may reach a column.
_ODD_ESCAPE = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")


def _load(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_SIZE_BYTES:
        raise ManifestInvalid(f"the manifest is larger than {MAX_SIZE_BYTES} bytes")
    try:
        document = _decoder.decode(body.decode("utf-8"))
        if _ODD_ESCAPE.search(body):
            _check_text(document)
    except UnicodeError:
        raise ManifestInvalid("the manifest is not UTF-8") from None
    except RecursionError:
        raise ManifestInvalid("the manifest is nested too deeply") from None
    except ValueError as error:
        raise ManifestInvalid(f"the manifest is not valid JSON: {error}") from None
    if not isinstance(document, dict):
        raise ManifestInvalid("the manifest is not a JSON object")
    return document


def _check_text(value: object) -> None:
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise _Ambiguous("a text has a NUL character")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


# Which kind of document --------------------------------------------------------------------------------------------

_SCHEMA1 = (
    "Docker schema 1 manifests are not supported: push with Docker 1.10 or later, or convert the image, "
    "for example with: skopeo copy --format v2s2"
)
# Types that say "some JSON": sent by tools that know no better, so the document itself is asked.
_UNSPECIFIC = frozenset({"", "application/json", "application/octet-stream"})
# Fields of another case are taken for the field by some readers (Go) and ignored by others.
_KNOWN_FIELDS = frozenset(
    {"schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests", "subject", "annotations"}
)
_FOLDED_FIELDS = frozenset(field.lower() for field in _KNOWN_FIELDS)


def _media_type(document: dict[str, Any], content_type: str | None) -> str:
    for field in document:
        if field not in _KNOWN_FIELDS and field.lower() in _FOLDED_FIELDS:
            raise ManifestInvalid(f"the field {shorten(field)!r} is ambiguous: field names are case-sensitive")
    announced = media_types.from_header(content_type or "")
    written = _text(document, "mediaType", "").lower()
    if {announced, written} & media_types.SCHEMA1 or document.get("schemaVersion") == 1:
        raise ManifestInvalid(_SCHEMA1)
    if announced in _UNSPECIFIC:
        announced = written or _sniff(document)
    if written and written != announced:
        raise ManifestInvalid(f"Content-Type {shorten(announced)!r} differs from mediaType {shorten(written)!r}")
    if announced not in media_types.MANIFESTS:
        raise ManifestInvalid(f"media type {shorten(announced)!r} is not one of a manifest or an index")
    return announced


def _sniff(document: dict[str, Any]) -> str:
    image, index = document.get("layers") is not None, document.get("manifests") is not None
    if image == index:
        raise ManifestInvalid("a manifest has either layers or manifests")
    return media_types.OCI_MANIFEST if image else media_types.OCI_INDEX


def _refuse_fields(document: dict[str, Any], what: str, fields: tuple[str, ...]) -> None:
    for field in fields:
        if document.get(field) is not None:
            raise ManifestInvalid(f"{what} must not have {field}: a manifest has either layers or manifests")


# Descriptors -------------------------------------------------------------------------------------------------------


def _descriptors(value: object, where: str) -> tuple[Descriptor, ...]:
    if value is None:  # written by Go for an empty list
        return ()
    if not isinstance(value, list):
        raise ManifestInvalid(f"{where} is not a list")
    return tuple([_descriptor(item, where) for item in value])


def _descriptor(value: object, where: str) -> Descriptor:
    if not isinstance(value, dict):
        raise ManifestInvalid(f"{where}: a descriptor is missing or is not an object")
    text = value.get("digest")
    try:
        digest = Digest.parse(text) if isinstance(text, str) else None
    except DigestInvalid as error:
        raise ManifestInvalid(f"{where}: {error}") from None
    size_bytes = value.get("size")
    if digest is None:
        raise ManifestInvalid(f"{where}: a descriptor has no digest")
    if type(size_bytes) is not int or not 0 <= size_bytes <= _MAX_CONTENT_BYTES:
        raise ManifestInvalid(f"{where}: the size of {digest} is not a number of bytes")
    media_type = _text(value, "mediaType", where)
    held_here = _has_data(value, digest, size_bytes, where)
    held_elsewhere = _has_urls(value, where) or media_types.is_foreign_layer(media_type)
    return Descriptor(
        media_type,
        digest,
        size_bytes,
        not (held_here or held_elsewhere),
        _text(value, "artifactType", where) or None,
        _platform(value.get("platform"), where),
        _annotations(value.get("annotations"), where),
    )


def _has_urls(value: dict[str, Any], where: str) -> bool:
    urls = value.get("urls")
    if urls is None:
        return False
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ManifestInvalid(f"{where}: urls is not a list of texts")
    return bool(urls)


def _has_data(value: dict[str, Any], digest: Digest, size_bytes: int, where: str) -> bool:
    """Whether the descriptor carries its content; data that is something else is refused, as clients would."""
    text = value.get("data")
    if text is None:
        return False
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None or len(data) != size_bytes or Digest.of(data, digest.algorithm) != digest:
        raise ManifestInvalid(f"{where}: the data of {digest} is not its content")
    return True


def _platform(value: object, where: str) -> dict[str, str | list[str]] | None:
    """What says for which machines the content is; anything but texts and lists of them is left out."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ManifestInvalid(f"{where}: a platform is not an object")
    return {name: text for name, text in value.items() if _is_text_or_texts(text)}


def _is_text_or_texts(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(text, str) for text in value))


def _annotations(value: object, where: str) -> Mapping[str, str]:
    if not value:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise ManifestInvalid(f"{where}{': ' if where else ''}annotations are not texts by name")
    return value


def _text(value: dict[str, Any], field: str, where: str) -> str:
    text = value.get(field)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ManifestInvalid(f"{where}{': ' if where else ''}{field} is not a text")
    return text


def _is_manifest(entry: Descriptor) -> bool:
    # Without a media type an entry is what an index is for: a manifest.
    return not entry.media_type or entry.media_type in media_types.MANIFESTS


def _unique(descriptors: Iterable[Descriptor]) -> tuple[Descriptor, ...]:
    """Each digest once; it is required if one of its descriptors says so."""
    found: dict[Digest, Descriptor] = {}
    for descriptor in descriptors:
        known = found.get(descriptor.digest)
        if known is None or (descriptor.required and not known.required):
            found[descriptor.digest] = descriptor
    return tuple(found.values())
