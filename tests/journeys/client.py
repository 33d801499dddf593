"""A client that pushes and pulls like the real ones, and lets a test see and vary each step."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

import httpx

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Image:
    """A manifest and the blobs that it names, the configuration first."""

    manifest: bytes
    blobs: tuple[bytes, ...]

    @classmethod
    def of(cls, config: bytes, *layers: bytes) -> Self:
        named = [
            {"mediaType": _CONFIG if blob is config else _LAYER, "digest": digest_of(blob), "size": len(blob)}
            for blob in (config, *layers)
        ]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": named[0], "layers": named[1:]}
        return cls(json.dumps(manifest).encode(), (config, *layers))

    @property
    def digest(self) -> str:
        return digest_of(self.manifest)


class RegistryClient:
    """Speaks to one repository with one token, fetched at `sign_in`."""

    def __init__(self, base_url: str, repository: str) -> None:
        self._path = f"/v2/{repository}"
        self._repository = repository
        self.http = httpx.AsyncClient(base_url=base_url, timeout=60, follow_redirects=True)

    async def sign_in(self, username: str, password: str) -> None:
        scope = f"repository:{self._repository}:pull,push,delete"
        answer = await self.http.get("/v2/auth", params={"scope": scope}, auth=(username, password))
        self.http.headers["authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def begin(self) -> str:
        """Open an upload and return where it goes on."""
        answer = await self.http.post(f"{self._path}/blobs/uploads/")
        return str(_expect(answer, 202).headers["location"])

    async def send(self, location: str, content: bytes, start: int) -> str:
        headers = {"content-range": f"{start}-{start + len(content) - 1}", "content-type": "application/octet-stream"}
        answer = await self.http.patch(location, content=content, headers=headers)
        return str(_expect(answer, 202).headers["location"])

    async def received(self, location: str) -> tuple[int, str]:
        """How many bytes have arrived, and where the upload goes on."""
        answer = _expect(await self.http.get(location), 204)
        first, _, last = answer.headers["range"].partition("-")
        assert first == "0"
        return (int(last) + 1 if int(last) else 0), answer.headers["location"]

    async def finish(self, location: str, content: bytes, digest: str) -> None:
        url = httpx.URL(location).copy_merge_params({"digest": digest})
        _expect(await self.http.put(url, content=content), 201)

    async def push_blob(self, content: bytes) -> None:
        """Push a blob the way clients do, which first ask whether it is there."""
        digest = digest_of(content)
        if (await self.http.head(f"{self._path}/blobs/{digest}")).status_code == 200:
            return
        await self.finish(await self.begin(), content, digest)

    async def push(self, image: Image, tag: str) -> None:
        for blob in image.blobs:
            await self.push_blob(blob)
        await self.put_manifest(image.manifest, tag)

    async def put_manifest(self, manifest: bytes, reference: str) -> None:
        url = f"{self._path}/manifests/{reference}"
        _expect(await self.http.put(url, content=manifest, headers={"content-type": MANIFEST}), 201)

    async def delete(self, reference: str) -> None:
        """Delete a tag, or a manifest with all its tags; it may be gone already."""
        _expect(await self.http.delete(f"{self._path}/manifests/{reference}"), 202, 404)

    async def manifest(self, reference: str) -> bytes | None:
        answer = _expect(await self.http.get(f"{self._path}/manifests/{reference}"), 200, 404)
        return answer.content if answer.status_code == 200 else None

    async def blob(self, digest: str) -> bytes:
        """Pull a blob and verify it."""
        content = _expect(await self.http.get(f"{self._path}/blobs/{digest}"), 200).content
        assert digest == digest_of(content)
        return content

    async def pull(self, reference: str) -> str | None:
        """Pull a whole image, verify every byte and return its digest; None if there is none."""
        body = await self.manifest(reference)
        if body is None:
            return None
        parsed: dict[str, Any] = json.loads(body)
        for named in (parsed["config"], *parsed["layers"]):
            assert len(await self.blob(named["digest"])) == named["size"]
        return digest_of(body)

    async def tags(self) -> list[str]:
        answer = _expect(await self.http.get(f"{self._path}/tags/list"), 200, 404)
        tags: list[str] = answer.json()["tags"] if answer.status_code == 200 else []
        return tags


class Unexpected(AssertionError):
    """The registry answered with another status than the protocol asks for."""


def _expect(answer: httpx.Response, *statuses: int) -> httpx.Response:
    if answer.status_code not in statuses:
        asked = f"{answer.request.method} {answer.request.url}"
        raise Unexpected(f"{asked}: {answer.status_code} instead of {statuses}: {answer.text[:500]}")
    return answer
