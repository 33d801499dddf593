"""Configuration. Owns the typed tree, its sources (file, environment, Quay's config.yaml) and its reference page.

Refuses to act: it reads files and variables and describes what it found, and opens no database, storage or socket.
Called by `cli` and `app`; every other room receives the sub-object that concerns it.
"""

from wharf.config.load import ConfigInvalid, load
from wharf.config.tree import (
    AccountsConfig,
    AuditConfig,
    Config,
    DatabaseConfig,
    GcConfig,
    JobsConfig,
    RegistryConfig,
    S3Config,
    ServerConfig,
    StorageConfig,
    TelemetryConfig,
)
from wharf.config.values import Networks, Secret

__all__ = [
    "AccountsConfig",
    "AuditConfig",
    "Config",
    "ConfigInvalid",
    "DatabaseConfig",
    "GcConfig",
    "JobsConfig",
    "Networks",
    "RegistryConfig",
    "S3Config",
    "Secret",
    "ServerConfig",
    "StorageConfig",
    "TelemetryConfig",
    "load",
]
