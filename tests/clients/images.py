"""Small real images: a static busybox, and a payload that no other image has."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.servers import program

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

# What a container of any of these images runs to prove its content.
CHECK = ("/bin/busybox", "sha256sum", "/data/payload")


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


@dataclass(frozen=True)
class Image:
    """A manifest with its blobs, or an index with its images."""

    manifest: bytes
    blobs: tuple[bytes, ...] = ()
    children: tuple["Image", ...] = ()
    payload: bytes = b""

    @cached_property
    def digest(self) -> str:
        return digest_of(self.manifest)

    @property
    def media_type(self) -> str:
        return INDEX if self.children else MANIFEST

    @property
    def checksum(self) -> str:
        """What CHECK prints in a container of this image."""
        return f"{hashlib.sha256(self.payload).hexdigest()}  {CHECK[-1]}\n"


def busybox() -> Path:
    """The machine's static busybox, or the running test is skipped."""
    return program("busybox", "busybox-static", Path("/bin"))


def image(payload: bytes, architecture: str = "amd64") -> Image:
    """An image with two layers: busybox, and `payload` as a file."""
    tars = [_tar({"bin/busybox": busybox().read_bytes()}), _tar({"data/payload": payload})]
    layers = [gzip.compress(tar, mtime=0) for tar in tars]
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Cmd": list(CHECK)},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, config),
            "layers": [descriptor(LAYER, layer) for layer in layers],
        }
    )
    return Image(manifest, (config, *layers), payload=payload)


def index(children: Mapping[str, Image]) -> Image:
    """An index of `children` by architecture."""
    manifests = [
        descriptor(MANIFEST, child.manifest, platform={"os": "linux", "architecture": architecture})
        for architecture, child in children.items()
    ]
    manifest = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    return Image(manifest, children=tuple(children.values()))


def multi_arch(payload: bytes) -> Image:
    """An index of two images; the one for this machine's architecture carries `payload`."""
    return index({"amd64": image(payload), "arm64": image(payload[::-1], "arm64")})


def context(folder: Path, payload: bytes) -> Path:
    """A folder from which `docker build` and its kin build the same content as `image`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "busybox").write_bytes(busybox().read_bytes())
    (folder / "busybox").chmod(0o755)
    (folder / "payload").write_bytes(payload)
    (folder / "Dockerfile").write_text(
        f"FROM scratch\nCOPY busybox /bin/busybox\nCOPY payload /data/payload\nCMD {json.dumps(CHECK)}\n"
    )
    return folder


def layout(folder: Path, images: Mapping[str, Image]) -> Path:
    """An OCI image layout in `folder` with `images` by tag."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for one in _all(list(images.values())):
        for content in (one.manifest, *one.blobs):
            (blobs / digest_of(content).removeprefix("sha256:")).write_bytes(content)
    tagged = [
        descriptor(one.media_type, one.manifest, annotations={"org.opencontainers.image.ref.name": tag})
        for tag, one in images.items()
    ]
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": tagged}))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return folder


def _all(images: Sequence[Image]) -> list[Image]:
    return [*images, *(child for one in images for child in _all(one.children))]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            folder = tarfile.TarInfo(name.partition("/")[0])
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def checksum_in(folder: Path) -> str:
    """What CHECK would print in a container of the one image in the layout `folder`, whose every byte is verified."""
    found = json.loads((folder / "index.json").read_bytes())
    while "manifests" in found:
        found = json.loads(_read(folder, found["manifests"][0]))
    _read(folder, found["config"])
    layers = [_read(folder, layer) for layer in found["layers"]]
    with tarfile.open(fileobj=io.BytesIO(layers[-1])) as tar:
        payload = tar.extractfile("data/payload")
        assert payload is not None
        return Image(b"", payload=payload.read()).checksum


def _read(folder: Path, wanted: Mapping[str, Any]) -> bytes:
    content = folder.joinpath("blobs", *wanted["digest"].split(":")).read_bytes()
    assert wanted["digest"] == digest_of(content)
    return content
