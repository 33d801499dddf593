"""What every backend of the audit trail keeps to."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.audit.receivers import SECRET, FileReceiver, Receiver, WebhookReceiver, receiver
from wharf.audit.backends.registry import BACKENDS, configured, open_backends
from wharf.audit.errors import BackendUnavailable
from wharf.config import AuditConfig, Secret

RECEIVERS = ["file", "syslog", "syslog over udp", "webhook"]


@pytest.fixture(params=RECEIVERS)
async def other(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Receiver]:
    async with receiver(request.param, tmp_path) as started:
        yield started


def document(number: int, **details: object) -> dict[str, Any]:
    return {"id": number, "at": "2026-01-01T00:00:00.000001Z", "kind": "tag_moved", "actor": "ada", "details": details}


async def test_entries_arrive_in_order(other: Receiver) -> None:
    sent = [document(number) for number in range(50)]
    await other.backend.send(sent[:20])
    await other.backend.send(sent[20:])
    assert sent == await other.documents(50)


async def test_hostile_text_stays_within_its_entry(other: Receiver) -> None:
    sent = [document(1, tag='line\r\nbreak "quoted" \u2028 <13>1 ünï 🦆'), document(2)]
    await other.backend.send(sent)
    assert sent == await other.documents(2)


async def test_an_outage_is_told_and_mends(other: Receiver) -> None:
    if not other.tells:
        return  # UDP: there is nothing to hear
    await other.backend.send([document(1)])
    await other.documents(1)
    await other.leave()
    with pytest.raises(BackendUnavailable) as caught:
        await other.backend.send([document(2)])
    assert caught.value.reason
    assert other.backend.name == caught.value.backend
    await other.backend.close()
    await other.come_back()
    await other.backend.send([document(2)])
    assert [1, 2] == [each["id"] for each in await other.documents(2)]


async def test_a_webhook_that_refuses_has_not_taken_it(tmp_path: Path) -> None:
    async with receiver("webhook", tmp_path) as other:
        assert isinstance(other, WebhookReceiver)
        other.status = 500
        with pytest.raises(BackendUnavailable, match="500"):
            await other.backend.send([document(1)])


async def test_a_webhook_is_signed(tmp_path: Path) -> None:
    async with receiver("webhook", tmp_path) as other:
        assert isinstance(other, WebhookReceiver)
        await other.backend.send([document(1)])
        ((signature, body),) = other.signatures
        assert f"sha256={hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}" == signature


async def test_a_file_that_was_rotated_is_made_anew(tmp_path: Path) -> None:
    other = FileReceiver(tmp_path)
    await other.backend.send([document(1)])
    other._path.rename(tmp_path / "audit.jsonl.1")
    await other.backend.send([document(2)])
    assert [2] == [each["id"] for each in await other.documents(1)]


def test_every_backend_is_asked_for_by_its_setting(tmp_path: Path) -> None:
    config = AuditConfig(
        file=tmp_path / "audit.jsonl", syslog="udp://127.0.0.1:514", webhook_url=Secret("https://example.com/")
    )
    assert BACKENDS.keys() == open_backends(config).keys()
    assert tuple(BACKENDS) == configured(config)
    assert {} == open_backends(AuditConfig())
    assert {name.partition(" ")[0] for name in RECEIVERS} == BACKENDS.keys()


@pytest.mark.parametrize("wrong", [{"syslog": "log.example.com"}, {"webhook_url": Secret("ftp://example.com")}])
def test_a_setting_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        AuditConfig(**wrong)
