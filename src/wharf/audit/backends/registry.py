"""Which backends there are, and which of them the configuration asks for."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from wharf.audit.backends.base import Backend
from wharf.audit.backends.file import FileBackend
from wharf.audit.backends.syslog import SyslogBackend
from wharf.config import AuditConfig


class Kind(NamedTuple):
    """A kind of backend: the setting that asks for it (None or empty: it does not), and how it is opened."""

    setting: str
    open_: Callable[[AuditConfig], Backend]


def _file(config: AuditConfig) -> Backend:
    assert config.file is not None
    return FileBackend(config.file)


def _syslog(config: AuditConfig) -> Backend:
    assert config.syslog is not None
    return SyslogBackend(config.syslog)


def _webhook(config: AuditConfig) -> Backend:
    from wharf.audit.backends.webhook import WebhookBackend  # httpx is not loaded for whoever has no webhook

    return WebhookBackend(config.webhook_url, config.webhook_secret)


BACKENDS: Mapping[str, Kind] = {
    "file": Kind("file", _file),
    "syslog": Kind("syslog", _syslog),
    "webhook": Kind("webhook_url", _webhook),
}


def configured(config: AuditConfig) -> tuple[str, ...]:
    """Return the names of the backends that the configuration asks for."""
    return tuple(name for name, kind in BACKENDS.items() if getattr(config, kind.setting))


def open_backends(config: AuditConfig) -> Mapping[str, Backend]:
    """Return the backends that the configuration asks for, by name; nothing is connected yet."""
    return {name: BACKENDS[name].open_(config) for name in configured(config)}
