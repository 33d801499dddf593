"""Starts a registry of its own, pushes a real image to it and pulls it back, saying what happens.

The image holds one static program that this script writes itself, so the demo needs no other program and no network.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import secrets
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

USER = "demo"
REPOSITORY = f"{USER}/hello"
WORDS = b"Hello from an image that Wharf kept for you.\n"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
NEXT = """
The registry is gone again. `make serve` starts one that stays; then, with the user you make there:

    docker login localhost:8080
    docker tag IMAGE localhost:8080/USER/IMAGE
    docker push localhost:8080/USER/IMAGE
"""
NOTE = "application/vnd.example.note.v1+text"


@dataclass(frozen=True)
class Part:
    """Bytes with the descriptor that names them."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """What the bytes are called by everybody."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    @property
    def descriptor(self) -> dict[str, object]:
        """As it stands in manifests."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


def main() -> None:
    """Play the whole story; ends with an error at the first answer that is not as it should be."""
    with tempfile.TemporaryDirectory(prefix="wharf-demo-") as folder, _registry(Path(folder)) as (url, password):
        _say(f"A registry runs at {url}, its data in {folder}")
        with httpx.Client(base_url=url, timeout=30) as client:
            client.headers["authorization"] = f"Bearer {_token(client, password)}"
            _story(client)
        print(NEXT)


def _story(client: httpx.Client) -> None:
    layer = _layer()
    config = Part(CONFIG, _json(_configuration(layer)))
    manifest = Part(MANIFEST, _json(_image(config, [layer])))
    _say(f"An image: a program of {len(_program())} bytes for linux/amd64, a configuration and a manifest")
    for part in (layer, config):
        _push_blob(client, part)
    _put_manifest(client, manifest, "1.0")
    _say(f"Pushed {REPOSITORY}:1.0, which is {manifest.digest}")

    note = Part(NOTE, b"Reviewed and found friendly.\n")
    empty = Part(EMPTY, b"{}")
    for part in (note, empty):
        _push_blob(client, part)
    attached = _image(empty, [note]) | {"artifactType": NOTE, "subject": manifest.descriptor}
    _put_manifest(client, Part(MANIFEST, _json(attached)), None)
    referrers = _good(client.get(f"/v2/{REPOSITORY}/referrers/{manifest.digest}")).json()["manifests"]
    _say(f"Attached a note to it; the registry finds {len(referrers)} referrer of type {referrers[0]['artifactType']}")

    tags = _good(client.get(f"/v2/{REPOSITORY}/tags/list")).json()["tags"]
    pulled = _good(client.get(f"/v2/{REPOSITORY}/manifests/1.0", headers={"accept": MANIFEST}))
    assert pulled.content == manifest.data
    got = _good(client.get(f"/v2/{REPOSITORY}/blobs/{layer.digest}", follow_redirects=True)).content
    assert got == layer.data
    _say(f"Pulled it back by its tag (of {tags}): identical to the last byte")
    _run(got)

    refused = httpx.get(client.base_url.join(f"/v2/{REPOSITORY}/manifests/1.0"))
    _say(f"A stranger who asks for it hears {refused.status_code}: {refused.json()['errors'][0]['message']}")


@contextlib.contextmanager
def _registry(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a registry in `folder`; yield its URL and the password of the one user it has."""
    wharf = Path(sys.executable).with_name("wharf")
    port, password = _free_port(), secrets.token_urlsafe(18)
    settings = {"WHARF_DATA_FOLDER": str(folder), "WHARF_SERVER__PORT": str(port)}
    environment: Mapping[str, str] = {**os.environ, **settings}
    subprocess.run(
        [wharf, "user", "create", USER, "--password-stdin"],
        env=environment,
        input=password.encode(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    with Path(folder, "log").open("wb") as log:
        process = subprocess.Popen([wharf, "serve"], env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}", process, Path(folder, "log"))
        yield f"http://127.0.0.1:{port}", password
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/health/ready").is_success:
                return
        time.sleep(0.05)
    sys.exit(log.read_text())


def _token(client: httpx.Client, password: str) -> str:
    """Sign in as docker does: ask for the challenge, then the token service it names."""
    challenge = client.get("/v2/").headers["www-authenticate"]
    fields = dict(part.split("=", 1) for part in challenge.removeprefix("Bearer ").split(","))
    scope = f"repository:{REPOSITORY}:pull,push"
    query = {"service": fields["service"].strip('"'), "scope": scope}
    answer = _good(client.get(fields["realm"].strip('"'), params=query, auth=(USER, password)))
    _say(f"Signed in as {USER}: a token for {scope}")
    token: str = answer.json()["token"]
    return token


def _push_blob(client: httpx.Client, part: Part) -> None:
    session = _good(client.post(f"/v2/{REPOSITORY}/blobs/uploads/"))
    location = httpx.URL(session.headers["location"]).copy_merge_params({"digest": part.digest})
    _good(client.put(location, content=part.data, headers={"content-type": "application/octet-stream"}))


def _put_manifest(client: httpx.Client, manifest: Part, tag: str | None) -> None:
    url = f"/v2/{REPOSITORY}/manifests/{tag or manifest.digest}"
    _good(client.put(url, content=manifest.data, headers={"content-type": manifest.media_type}))


def _good(response: httpx.Response) -> httpx.Response:
    if not response.is_success:
        sys.exit(f"{response.request.method} {response.request.url}: {response.status_code} {response.text}")
    return response


def _image(config: Part, layers: list[Part]) -> dict[str, object]:
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }


def _configuration(layer: Part) -> dict[str, object]:
    difference = "sha256:" + hashlib.sha256(gzip.decompress(layer.data)).hexdigest()
    return {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": [difference]},
    }


def _layer() -> Part:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("hello")
        member.mode, member.size = 0o755, len(_program())
        tar.addfile(member, io.BytesIO(_program()))
    return Part(LAYER, gzip.compress(archive.getvalue(), mtime=0))


def _program() -> bytes:
    """Return a static ELF program for linux/amd64: write(1, WORDS) and exit(0), by hand."""
    base, headers, code_size = 0x400000, 64 + 56, 33
    size = headers + code_size + len(WORDS)
    identity = b"\x7fELF\x02\x01\x01"
    elf = struct.pack("<16sHHIQQQIHHHHHH", identity, 2, 62, 1, base + headers, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    code = b"".join(
        (
            b"\xb8\x01\x00\x00\x00\xbf\x01\x00\x00\x00",  # eax = write, edi = standard output
            b"\x48\x8d\x35" + struct.pack("<I", 16),  # rsi = the words, 16 bytes after this instruction
            b"\xba" + struct.pack("<I", len(WORDS)) + b"\x0f\x05",  # edx = their length; call
            b"\xb8\x3c\x00\x00\x00\x31\xff\x0f\x05",  # eax = exit, edi = 0; call
        )
    )
    return elf + segment + code + WORDS


def _run(layer: bytes) -> None:
    """Run the program of the pulled layer, where this machine can."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            tar.extractall(folder, filter="data")
        said = subprocess.run([Path(folder, "hello")], check=True, capture_output=True).stdout.decode().strip()
    _say(f"Its program runs and says: {said}")


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _say(sentence: str) -> None:
    print(f"· {sentence}")


if __name__ == "__main__":
    main()
