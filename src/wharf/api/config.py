"""`/config`: what a console must know before anybody has signed in.

A feature is true when it works here, so that consoles and scripts of Quay show and try what there is.
"""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request

from wharf.api.kit import FAILURES, Parts, Shape, WithParts
from wharf.config import Config
from wharf.config.quay_keys import KEYS

router = APIRouter(tags=["about"], responses=FAILURES)
front = APIRouter(tags=["about"], responses=FAILURES)

_PREFIX = "FEATURE_"
_NAMES = frozenset(key.removeprefix(_PREFIX) for key in KEYS if key.startswith(_PREFIX))


def _always(_config: Config) -> bool:
    return True


#: What works; every other feature of Quay is false.
FEATURES: Mapping[str, Callable[[Config], bool]] = {
    "ADVERTISE_V2": _always,
    "AGGREGATED_LOG_COUNT_RETRIEVAL": _always,
    "ANONYMOUS_ACCESS": lambda config: config.registry.anonymous_access,
    "APP_SPECIFIC_TOKENS": lambda config: config.accounts.app_tokens,
    "CHANGE_TAG_EXPIRATION": _always,
    "DIRECT_LOGIN": _always,
    "EXTENDED_REPOSITORY_NAMES": _always,
    "GARBAGE_COLLECTION": lambda config: config.gc.enabled,
    "GENERAL_OCI_SUPPORT": _always,
    "HELM_OCI_SUPPORT": _always,
    "LIBRARY_SUPPORT": lambda config: config.registry.library_namespace is not None,
    "PERMANENT_SESSIONS": _always,
    "PROXY_STORAGE": lambda config: config.storage.driver != "s3" or not config.storage.s3.redirect,
    "REFERRERS_API": _always,
    "REPOSITORY_GARBAGE_COLLECTION": lambda config: config.gc.enabled,
    "SPARSE_INDEX": lambda config: config.registry.allow_sparse_indexes,
    "SUPER_USERS": _always,
    "USER_CREATION": lambda config: config.accounts.user_creation,
    "USER_INITIALIZE": _always,
    "USER_LOG_ACCESS": _always,
    "USER_METADATA": _always,
}
# Features that Quay tells among the settings once more.
_REPEATED = (
    *("ASSIGN_OAUTH_TOKEN", "AUTO_PRUNE", "EDIT_QUOTA", "IMAGE_EXPIRY_TRIGGER", "IMMUTABLE_TAGS_CAN_EXPIRE"),
    *("ORG_MIRROR", "PROXY_CACHE", "QUOTA_MANAGEMENT", "QUOTA_NOTIFICATIONS", "REPO_MIRROR"),
)


class Configuration(Shape):
    """The configuration as far as everybody may know it, by the names of Quay's settings."""

    account_recovery_mode: bool = False
    config: Mapping[str, Any]
    external_login: tuple[Mapping[str, Any], ...] = ()
    features: Mapping[str, bool]
    oauth: Mapping[str, Any] = {}
    registry_state: str
    version_number: str


@front.get("/config", operation_id="getConfig", summary="Get the configuration that everybody may know")
@router.get("/config", operation_id="getConfiguration", summary="The same as /config")
async def get_(request: Request, parts: WithParts) -> Configuration:
    """Return the features and settings that concern a client."""
    features = {name: name in FEATURES and FEATURES[name](parts.config) for name in sorted(_NAMES)}
    return Configuration(
        config=_settings(request, parts) | {_PREFIX + name: features[name] for name in _REPEATED},
        features=features,
        registry_state="readonly" if parts.config.registry.read_only else "normal",
        version_number=version("wharf"),
    )


def _settings(request: Request, parts: Parts) -> dict[str, Any]:
    url = parts.config.server.public_url or str(request.base_url)
    return {
        "AUTHENTICATION_TYPE": "Database",
        "AVATAR_KIND": "local",
        "BRANDING": {"logo": "", "logo_dark": "", "footer_img": None, "footer_url": None},
        "CHANNEL_COLORS": ["#1f6fb2", "#c2571a", "#2a7f3f", "#b3261e", "#6b4fa0", "#7a5236"],
        "CONTACT_INFO": [],
        "DEBUG": False,
        "DEFAULT_NAMESPACE_AUTOPRUNE_POLICY": None,
        "DEFAULT_UI": "patternfly",
        "DISABLE_ANGULAR_UI": True,
        "DOCUMENTATION_ROOT": "",
        "FOOTER_LINKS": {},
        "LOCAL_OAUTH_HANDLER": "",
        "PERMANENTLY_DELETE_TAGS": False,
        "PREFERRED_URL_SCHEME": url.partition("://")[0],
        "QUOTA_BACKFILL": False,
        "RECAPTCHA_SITE_KEY": "",
        "REGISTRY_TITLE": "Wharf",
        "REGISTRY_TITLE_SHORT": "Wharf",
        "SEARCH_MAX_RESULT_PAGE_COUNT": 10,
        "SEARCH_RESULTS_PER_PAGE": 10,
        "SENTRY_PUBLIC_DSN": None,
        "SERVER_HOSTNAME": url.partition("://")[2].rstrip("/"),
        "STATIC_SITE_BUCKET": None,
        "TAG_EXPIRATION_OPTIONS": ["0s", "1d", "1w", "2w", "4w"],
        "UI_DELAY_AFTER_WRITE_SECONDS": 0,
        "UI_V2_FEEDBACK_FORM": None,
    }
