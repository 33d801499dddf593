"""Reads a Quay config.yaml: the only place that knows the names of Quay's settings.

A setting that cannot be honoured and would change where data goes is an error; one that Wharf does not use is a note.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, cast
from urllib.parse import quote, urlencode

from wharf.config.quay_keys import KEYS, PROVIDER_SUFFIX

Tree = dict[str, Any]
Found = dict[str, Any]

FRESH_DATA = (
    "Quay's rows and blobs are not read: give Wharf a database of its own. In a shared bucket Wharf keeps its objects "
    "under a prefix that Quay does not use."
)

# Present in every Quay configuration and in no Wharf one.
_MARKS = {"SERVER_HOSTNAME", "DB_URI", "DISTRIBUTED_STORAGE_CONFIG", "SETUP_COMPLETE"}

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


@dataclass(frozen=True, slots=True)
class Translated:
    """A tree in Wharf's words, and what its owner should know."""

    tree: Tree
    notes: tuple[str, ...]


def recognise(content: Found) -> bool:
    """Whether a parsed YAML file is a Quay configuration."""
    return bool(_MARKS & content.keys())


def translate(content: Found) -> Translated:
    """Return Wharf's tree for a Quay configuration; raise ValueError for what Wharf cannot do."""
    tree: Tree = {}
    for key, (name, convert) in _PLAIN.items():
        if content.get(key) is not None:
            _put(tree, name, convert(content[key]))
    for keys, rule in _RULES.items():
        if content.get(keys[0]) is not None:
            for name, value in rule(content).items():
                _put(tree, name, value)
    used = _PLAIN.keys() | {key for keys in _RULES for key in keys} | _HARMLESS
    return Translated(tree, (FRESH_DATA, *_notes(content, used)))


def _notes(content: Found, used: set[str]) -> list[str]:
    left = sorted(content.keys() - used)
    idle = [key for key in left if key in KEYS or key.endswith(PROVIDER_SUFFIX)]
    notes = [f"not used by Wharf yet: {', '.join(idle)}"] if idle else []
    for key in left:
        if key not in idle:
            close = get_close_matches(key, KEYS, n=1)
            notes.append(f"{key} is not a Quay setting" + (f"; did you mean {close[0]}?" if close else ""))
    return notes


def _put(tree: Tree, name: str, value: object) -> None:
    *path, last = name.split(".")
    for key in path:
        tree = tree.setdefault(key, {})
    tree[last] = value


def _seconds(text: object) -> int:
    match = re.fullmatch(r"(\d+)([smhdwy]?)", str(text))
    if not match:
        raise ValueError(f"{text!r} is not a duration such as 2w")
    return int(match[1]) * _UNIT_SECONDS[match[2] or "s"]


def _public_url(content: Found) -> Tree:
    return {"server.public_url": f"{content.get('PREFERRED_URL_SCHEME', 'http')}://{content['SERVER_HOSTNAME']}"}


def _database_url(content: Found) -> Tree:
    url = str(content["DB_URI"])
    scheme, _, rest = url.partition("://")
    dialect = scheme.partition("+")[0]
    if dialect == "mysql":
        raise ValueError("DB_URI: Wharf keeps its rows in SQLite or PostgreSQL, not in MySQL")
    arguments = content.get("DB_CONNECTION_ARGS") or {}
    query = {key: arguments[key] for key in ("sslmode", "sslrootcert") if key in arguments}
    if isinstance(arguments.get("ssl"), dict) and "ca" in arguments["ssl"]:
        query |= {"sslmode": "verify-full", "sslrootcert": arguments["ssl"]["ca"]}
    if query and dialect == "postgresql":
        rest += ("&" if "?" in rest else "?") + urlencode(query, quote_via=quote)
    return {"database.url": f"{dialect}://{rest}"}


def _secret_key(content: Found) -> Tree:
    return {"secret_key": str(content.get("DATABASE_SECRET_KEY") or content["SECRET_KEY"])}


def _library(content: Found) -> Tree:
    offered = content["FEATURE_LIBRARY_SUPPORT"]
    return {"registry.library_namespace": content.get("LIBRARY_NAMESPACE", "library") if offered else None}


def _storage(content: Found) -> Tree:
    sites = cast("dict[str, Any]", content["DISTRIBUTED_STORAGE_CONFIG"])
    preferred = content.get("DISTRIBUTED_STORAGE_PREFERENCE") or list(sites)
    site = next((name for name in preferred if name in sites), None)
    if site is None:
        raise ValueError("DISTRIBUTED_STORAGE_PREFERENCE names no site of DISTRIBUTED_STORAGE_CONFIG")
    kind, options = sites[site]
    if kind not in _STORES:
        raise ValueError(f"DISTRIBUTED_STORAGE_CONFIG: {kind} is not supported; {', '.join(_STORES)} are")
    return _STORES[kind](options or {})


def _local_store(options: Found) -> Tree:
    return {"storage.driver": "local", "storage.path": options["storage_path"]}


def _s3_store(options: Found) -> Tree:
    endpoint = options.get("endpoint_url")
    if not endpoint and options.get("host"):
        endpoint = f"https://{options['host']}" + (f":{options['port']}" if options.get("port") else "")
    return _store(
        options,
        endpoint=endpoint,
        region=options.get("s3_region"),
        bucket=options.get("s3_bucket"),
        access_key=options.get("s3_access_key"),
        secret_key=options.get("s3_secret_key"),
        path_style=bool(endpoint),
    )


def _ceph_store(options: Found) -> Tree:
    scheme = "https" if options.get("is_secure", True) else "http"
    port = f":{options['port']}" if options.get("port") else ""
    return _store(
        options,
        endpoint=f"{scheme}://{options['hostname']}{port}",
        region=options.get("region_name"),
        bucket=options.get("bucket_name"),
        access_key=options.get("access_key"),
        secret_key=options.get("secret_key"),
    )


def _store(options: Found, **settings: object) -> Tree:
    folder = str(options.get("storage_path") or "").strip("/")
    settings["prefix"] = f"{folder}/wharf/" if folder else "wharf/"
    named = {f"storage.s3.{key}": value for key, value in settings.items() if value is not None}
    return {"storage.driver": "s3", **named}


def _as_is(value: object) -> object:
    return value


_PLAIN: dict[str, tuple[str, Callable[[Any], object]]] = {
    "TRUSTED_PROXY_CIDR": ("server.trusted_proxies", lambda value: [value] if isinstance(value, str) else value),
    "REGISTRY_STATE": ("registry.read_only", lambda value: value == "readonly"),
    "CREATE_PRIVATE_REPO_ON_PUSH": (
        "registry.default_visibility",
        lambda private: "private" if private else "public",
    ),
    "DEFAULT_TAG_EXPIRATION": ("registry.time_machine_seconds", _seconds),
    "PUSH_TEMP_TAG_EXPIRATION_SEC": ("registry.blob_lease_seconds", _as_is),
    "BLOBUPLOAD_DELETION_DATE_THRESHOLD": ("registry.upload_ttl_seconds", lambda minutes: int(minutes) * 60),
    "FEATURE_ANONYMOUS_ACCESS": ("registry.anonymous_access", _as_is),
    "FEATURE_SPARSE_INDEX": ("registry.allow_sparse_indexes", _as_is),
    "SESSION_TIMEOUT": ("accounts.session_lifetime_seconds", _seconds),
    "FRESH_LOGIN_TIMEOUT": ("accounts.fresh_login_seconds", _seconds),
    "FEATURE_USER_CREATION": ("accounts.user_creation", _as_is),
    "FEATURE_APP_SPECIFIC_TOKENS": ("accounts.app_tokens", _as_is),
    "APP_SPECIFIC_TOKEN_EXPIRATION": ("accounts.app_token_lifetime_seconds", _seconds),
    "V2_PAGINATION_SIZE": ("registry.tag_list_default_count", _as_is),
    "FEATURE_GARBAGE_COLLECTION": ("gc.enabled", _as_is),
    "FEATURE_PROXY_STORAGE": ("storage.s3.redirect", lambda proxied: not proxied),
    "LOGGING_LEVEL": ("telemetry.log_level", lambda level: str(level).lower().replace("critical", "error")),
}

# Each rule reads the keys it is listed with and runs when the first of them is there.
_RULES: dict[tuple[str, ...], Callable[[Found], Tree]] = {
    ("SERVER_HOSTNAME", "PREFERRED_URL_SCHEME"): _public_url,
    ("DB_URI", "DB_CONNECTION_ARGS"): _database_url,
    ("SECRET_KEY", "DATABASE_SECRET_KEY"): _secret_key,
    ("FEATURE_LIBRARY_SUPPORT", "LIBRARY_NAMESPACE"): _library,
    ("DISTRIBUTED_STORAGE_CONFIG", "DISTRIBUTED_STORAGE_PREFERENCE"): _storage,
}

_STORES: dict[str, Callable[[Found], Tree]] = {
    "LocalStorage": _local_store,
    "S3Storage": _s3_store,
    "RadosGWStorage": _ceph_store,
    "RHOCSStorage": _ceph_store,
    "IBMCloudStorage": _ceph_store,
}

# Nothing is lost by not using these: what they switch on is always on here, or they mark Quay's own set-up.
_HARMLESS = {
    "SETUP_COMPLETE",
    "FEATURE_GENERAL_OCI_SUPPORT",
    "FEATURE_HELM_OCI_SUPPORT",
    "FEATURE_REFERRERS_API",
    "FEATURE_ADVERTISE_V2",
    "FEATURE_EXTENDED_REPOSITORY_NAMES",
    "DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS",
}
