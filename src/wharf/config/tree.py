"""The configuration: one frozen typed tree, read once and handed down as the smallest sub-object that will do.

Plain frozen dataclasses, so that a room needs no library to use them; msgspec fills them because it checks types and
bounds with the path of the offending key, reads "8080" from the environment as a number, and is needed for JSON anyway.

Every field has a type, a default and one sentence; the reference page, the sample file and the JSON schema are printed
from these three. The text `{data_folder}` in a default stands for the data folder.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from wharf.config.values import Networks, Secret

KIB, MIB = 1024, 1024 * 1024
DAY_SECONDS = 24 * 60 * 60
NO_NETWORKS = Networks()
NO_SECRET = Secret("")
SQLITE_URL = Secret("sqlite:///{data_folder}/wharf.db")


def doc(text: str, *, ge: float | None = None, le: float | None = None) -> Meta:
    """What a setting means, and the bounds of its value."""
    return Meta(description=text, ge=ge, le=le)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How Wharf listens."""

    host: Annotated[str, doc("Address to listen on. 0.0.0.0 opens the registry to other machines.")] = "127.0.0.1"
    port: Annotated[int, doc("TCP port; 0 takes a free one.", ge=0, le=65535)] = 8080
    public_url: Annotated[
        str | None,
        doc("What users type, as https://registry.example.com. Without it Wharf trusts the Host header."),
    ] = None
    trusted_proxies: Annotated[
        Networks, doc("Networks whose X-Forwarded-For, -Proto and -Host headers are believed.")
    ] = NO_NETWORKS
    tls_certificate: Annotated[
        Path | None, doc("PEM file with the certificate chain; with tls_key it turns on HTTPS.")
    ] = None
    tls_key: Annotated[Path | None, doc("PEM file with the private key.")] = None
    max_header_bytes: Annotated[int, doc("Larger request headers are answered with 431.", ge=1024, le=400 * KIB)] = (
        64 * KIB
    )
    max_concurrent_requests: Annotated[
        int, doc("Requests in flight; one more is answered with 503 and Retry-After.", ge=1)
    ] = 2000
    retry_after_seconds: Annotated[int, doc("What Retry-After says when Wharf is overloaded.", ge=1)] = 2
    shutdown_drain_seconds: Annotated[
        int, doc("How long requests in flight may take to finish after SIGTERM.", ge=0)
    ] = 30
    shutdown_notice_seconds: Annotated[
        int,
        doc(
            "How long Wharf still accepts connections after SIGTERM (not Ctrl-C) while /health/ready says 503, "
            "so that a load balancer stops sending first and kept connections end with an answer.",
            ge=0,
        ),
    ] = 1
    header_read_timeout_seconds: Annotated[
        int, doc("A client that takes longer to send its request headers is cut off.", ge=1)
    ] = 30
    backlog: Annotated[int, doc("Connections the kernel may queue.", ge=1)] = 2048

    def __post_init__(self) -> None:
        _check(
            (self.tls_certificate is None) == (self.tls_key is None),
            "tls_certificate and tls_key go together",
        )
        if self.public_url is not None:
            url = urlsplit(self.public_url)
            _check(
                url.scheme in ("http", "https") and url.netloc and url.path in ("", "/") and not url.query,
                "public_url must look like https://registry.example.com",
            )
            object.__setattr__(self, "public_url", f"{url.scheme}://{url.netloc}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseConfig:
    """Where rows live."""

    url: Annotated[
        Secret,
        doc("sqlite:///path or postgresql://user:password@host/database."),
    ] = SQLITE_URL
    pool_min: Annotated[int, doc("PostgreSQL connections kept open.", ge=0)] = 1
    pool_max: Annotated[int, doc("PostgreSQL connections at most.", ge=1)] = 10
    pool_timeout_seconds: Annotated[
        float, doc("How long a request may wait for a PostgreSQL connection before it gets a 503.", ge=0.01)
    ] = 10.0
    migrate_on_start: Annotated[
        Literal["auto", "always", "never"],
        doc("auto: migrate SQLite always and PostgreSQL when it is empty."),
    ] = "auto"

    def __post_init__(self) -> None:
        scheme = self.url.partition("://")[0]
        _check(scheme in ("sqlite", "postgresql"), "url must begin with sqlite:/// or postgresql://")
        _check(self.pool_min <= self.pool_max, "pool_min must not be greater than pool_max")

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is an embedded file rather than a server."""
        return self.url.startswith("sqlite:")


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Config:
    """Any object store that speaks S3."""

    endpoint: Annotated[str | None, doc("URL of the store; without it, AWS in the given region.")] = None
    public_endpoint: Annotated[str | None, doc("URL under which clients reach the store, for signed redirects.")] = None
    region: Annotated[str, doc("Region that requests are signed for.")] = "us-east-1"
    bucket: Annotated[str, doc("Bucket; must exist.")] = ""
    prefix: Annotated[str, doc("Put before every object key.")] = ""
    access_key: Annotated[Secret, doc("Without it the usual AWS sources are asked (environment, instance role).")] = (
        NO_SECRET
    )
    secret_key: Annotated[Secret, doc("Belongs to access_key.")] = NO_SECRET
    path_style: Annotated[bool, doc("https://host/bucket/key rather than https://bucket.host/key.")] = True
    redirect: Annotated[bool, doc("Answer blob downloads with a signed redirect to the store.")] = True
    redirect_ttl_seconds: Annotated[int, doc("How long a signed redirect works.", ge=60, le=7 * DAY_SECONDS)] = 1200
    no_redirect_networks: Annotated[Networks, doc("Clients in these networks get the bytes from Wharf itself.")] = (
        NO_NETWORKS
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageConfig:
    """Where bytes live."""

    driver: Annotated[Literal["local", "s3"], doc("Which of the sections below is used.")] = "local"
    path: Annotated[Path, doc("Folder of the local driver.")] = Path("{data_folder}/storage")
    s3: S3Config = field(default_factory=S3Config)

    def __post_init__(self) -> None:
        _check(self.driver != "s3" or self.s3.bucket, "s3.bucket is needed when driver is s3")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryConfig:
    """What the registry allows."""

    library_namespace: Annotated[
        str | None, doc("Namespace of names without a slash, as in `docker pull alpine`; null forbids them.")
    ] = "library"
    create_on_push: Annotated[bool, doc("A push to an absent repository creates it.")] = True
    default_visibility: Annotated[
        Literal["private", "public"], doc("Visibility of repositories created by a push.")
    ] = "private"
    anonymous_access: Annotated[bool, doc("Public repositories can be pulled without signing in.")] = True
    read_only: Annotated[bool, doc("Maintenance mode: writes are answered with 503, reads go on.")] = False
    deletes_enabled: Annotated[bool, doc("DELETE works; otherwise it is answered with 405.")] = True
    allow_sparse_indexes: Annotated[bool, doc("An index may name manifests that are not in the repository.")] = False
    allow_sparse_images: Annotated[
        bool,
        doc(
            "An image may name a config and layers that are not in the repository; "
            "what arrives later is kept only once the manifest is pushed again."
        ),
    ] = False
    manifest_max_bytes: Annotated[int, doc("Largest manifest accepted.", ge=4 * MIB)] = 4 * MIB
    upload_ttl_seconds: Annotated[int, doc("An upload session without activity expires after this time.", ge=60)] = (
        2 * DAY_SECONDS
    )
    blob_lease_seconds: Annotated[
        int, doc("How long a pushed, mounted or checked blob is kept without a manifest.", ge=60)
    ] = DAY_SECONDS
    time_machine_seconds: Annotated[
        int, doc("How long a deleted or overwritten tag can be restored; namespaces may differ.", ge=0)
    ] = 14 * DAY_SECONDS
    tag_list_default_count: Annotated[
        int, doc("Page size of tag lists and the catalog when the client names none.", ge=1)
    ] = 1000
    tag_list_max_count: Annotated[int, doc("Largest page of tags or repositories.", ge=1)] = 10000
    token_lifetime_seconds: Annotated[int, doc("Lifetime of a registry token.", ge=60)] = 300
    cors_origins: Annotated[str, doc("Origins of web pages that may call /v2, separated by commas; * for all.")] = ""

    def __post_init__(self) -> None:
        _check(
            self.tag_list_default_count <= self.tag_list_max_count,
            "tag_list_default_count must not be greater than tag_list_max_count",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsConfig:
    """How people sign in."""

    session_lifetime_seconds: Annotated[
        int, doc("A browser stays signed in this long after its password was given.", ge=60)
    ] = 31 * DAY_SECONDS
    fresh_login_seconds: Annotated[
        int, doc("Sensitive changes ask for the password again when it was given longer ago.", ge=1)
    ] = 600
    user_creation: Annotated[bool, doc("Whoever reaches the registry may create an account.")] = True
    app_tokens: Annotated[bool, doc("Users may make application tokens, which stand for their password at /v2.")] = True
    app_token_lifetime_seconds: Annotated[
        int, doc("New application tokens expire after this time; 0 for never.", ge=0)
    ] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GcConfig:
    """Garbage collection, which runs all the time beside pushes and pulls."""

    enabled: Annotated[bool, doc("Collect in the background. `wharf gc` always works.")] = True
    grace_seconds: Annotated[int, doc("Time between finding a blob unreachable and deleting its bytes.", ge=0)] = 3600
    sweep_seconds: Annotated[int, doc("Time between two sweeps.", ge=1)] = 60
    batch_count: Annotated[int, doc("Rows per transaction.", ge=1)] = 200
    max_blobs_per_second: Annotated[int, doc("Upper bound on deletions from storage.", ge=1)] = 2000
    orphan_age_seconds: Annotated[
        int, doc("A stored object unknown to the database is deleted when this old.", ge=3600)
    ] = DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsConfig:
    """Background work."""

    embedded: Annotated[bool, doc("`wharf serve` runs jobs too; otherwise run `wharf worker` beside it.")] = True
    workers: Annotated[int, doc("Jobs run at the same time by one process.", ge=1)] = 4
    poll_seconds: Annotated[float, doc("How often an idle worker looks for due jobs.", ge=0.01)] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfig:
    """The audit trail: kept in the database, and copied to other systems where they are named."""

    pulls: Annotated[bool, doc("Write down who pulled what; pushes and changes always are.")] = True
    retention_days: Annotated[
        int, doc("Entries are deleted from the database when this old; 0 keeps them for ever.", ge=0)
    ] = 365
    forward_seconds: Annotated[float, doc("How often waiting entries are sent to the systems below.", ge=0.1)] = 2.0
    file: Annotated[Path | None, doc("Append entries to this file, as JSON lines.")] = None
    syslog: Annotated[
        str | None, doc("Send entries to a syslog server: udp://host:514, tcp://host:601 or tls://host:6514.")
    ] = None
    webhook_url: Annotated[Secret, doc("Post entries to this URL, as JSON arrays.")] = NO_SECRET
    webhook_secret: Annotated[Secret, doc("Signs the body of each post (HMAC-SHA256).")] = NO_SECRET

    def __post_init__(self) -> None:
        if self.syslog is not None:
            url = urlsplit(self.syslog)
            _check(
                url.scheme in ("udp", "tcp", "tls") and url.hostname,
                "syslog must look like udp://host:514, tcp://host:601 or tls://host:6514",
            )
        _check(
            not self.webhook_url or self.webhook_url.startswith(("http://", "https://")),
            "webhook_url must begin with http:// or https://",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryConfig:
    """Logs and metrics."""

    log_format: Annotated[Literal["auto", "json", "console"], doc("auto: console on a terminal, JSON elsewhere.")] = (
        "auto"
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], doc("Least important level that is printed.")
    ] = "info"
    access_log: Annotated[bool, doc("One line per request.")] = True
    metrics: Annotated[bool, doc("Serve Prometheus metrics at /metrics.")] = True
    metrics_token: Annotated[Secret, doc("When set, /metrics asks for `Authorization: Bearer` with this token.")] = (
        NO_SECRET
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that can be configured."""

    data_folder: Annotated[
        Path, doc("Where the embedded database, local storage and the generated secret key are kept.")
    ] = Path("wharf-data")
    secret_key: Annotated[
        Secret,
        doc("Key for encrypted columns; the same on all replicas. Without it one is generated once."),
    ] = NO_SECRET
    server: ServerConfig = field(default_factory=ServerConfig)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    storage: StorageConfig = field(default_factory=StorageConfig)
    registry: RegistryConfig = field(default_factory=RegistryConfig)
    accounts: AccountsConfig = field(default_factory=AccountsConfig)
    gc: GcConfig = field(default_factory=GcConfig)
    jobs: JobsConfig = field(default_factory=JobsConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)

    def __post_init__(self) -> None:
        _check(not self.secret_key or len(self.secret_key) >= 32, "secret_key needs at least 32 characters")
        _place(self.database, self.data_folder)
        _place(self.storage, self.data_folder)


def _place(section: DatabaseConfig | StorageConfig, data_folder: Path) -> None:
    """Replace `{data_folder}` in a section that has just been built and nobody else has seen yet."""
    for item in fields(section):
        value = getattr(section, item.name)
        if isinstance(value, str | Path) and "{data_folder}" in str(value):
            placed = type(value)(str(value).replace("{data_folder}", str(data_folder)))
            object.__setattr__(section, item.name, placed)


def _check(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
