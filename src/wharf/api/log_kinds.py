"""What Quay calls the kinds of the audit trail, and the names of what they tell. Kinds that Quay has not keep ours."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from wharf.audit import kinds
from wharf.audit.entry import Entry


class Told(NamedTuple):
    """How a kind is told: Quay's name of it, and Quay's names for its details where they differ from ours."""

    kind: str
    names: Mapping[str, str] = {}


_DIGEST = {"digest": "manifest_digest"}
_MOVED = {"digest": "manifest_digest", "previous_digest": "original_manifest_digest"}
_TOKEN = {"title": "app_specific_token_title", "token_uuid": "app_specific_token", "user": "username"}
_GRANTEE = {"to": "username", "to_team": "team"}
_EXPIRES = {
    "digest": "manifest_digest",
    "expires_at": "expiration_date",
    "previously_expires_at": "old_expiration_date",
}
_API_TOKEN = {"title": "token_name", "user": "username"}
_USER = {"user": "username"}
_SIGN_IN = {"to": "type", "reason": "message"}

TOLD: Mapping[str, Told] = {
    kinds.MANIFEST_PULLED: Told("pull_repo", _DIGEST),
    kinds.PULL_DENIED: Told("pull_repo_failed"),
    kinds.PUSH_DENIED: Told("push_repo_failed"),
    kinds.DELETE_DENIED: Told("delete_tag_failed"),
    kinds.SIGNED_IN: Told("login_success", _SIGN_IN),
    kinds.SIGN_IN_FAILED: Told("login_failure", _SIGN_IN),
    kinds.SIGNED_OUT: Told("logout_success"),
    kinds.TAG_CREATED: Told("create_tag", _MOVED),
    "tag_moved": Told("move_tag", _MOVED),
    "tag_deleted": Told("delete_tag", _DIGEST),
    "tag_restored": Told("revert_tag", _MOVED),
    "tag_expiration_changed": Told("change_tag_expiration", _EXPIRES),
    "tag_immutability_changed": Told("change_tag_immutability", _DIGEST),
    "manifest_pushed": Told("push_repo", _DIGEST),
    "repository_created": Told("create_repo"),
    "repository_deleted": Told("delete_repo"),
    "repository_visibility_changed": Told("change_repo_visibility"),
    "repository_role_granted": Told("change_repo_permission", _GRANTEE),
    "repository_role_revoked": Told("delete_repo_permission", _GRANTEE),
    "repository_description_changed": Told("set_repo_description"),
    "repository_state_changed": Told("change_repo_state", {"state": "state_changed"}),
    "user_created": Told("user_create", _USER),
    "password_changed": Told("account_change_password", _USER),
    "client_key_issued": Told("user_generate_client_key", _USER),
    "app_token_created": Told("create_app_specific_token", _TOKEN),
    "app_token_revoked": Told("revoke_app_specific_token", _TOKEN),
    "user_disabled": Told("user_disable", _USER),
    "user_enabled": Told("user_enable", _USER),
    "user_deleted": Told("user_delete", _USER),
    "application_created": Told("create_application"),
    "application_changed": Told("update_application"),
    "application_secret_replaced": Told("reset_application_client_secret"),
    "application_deleted": Told("delete_application"),
    "application_token_revoked": Told("revoke_oauth_api_token", _API_TOKEN),
    "access_token_issued": Told("create_oauth_api_token", _API_TOKEN),
    "access_token_revoked": Told("revoke_oauth_api_token", _API_TOKEN),
    "organization_created": Told("org_create"),
    "organization_deleted": Told("org_delete"),
    "team_created": Told("org_create_team"),
    "team_changed": Told("org_set_team_role"),
    "team_deleted": Told("org_delete_team"),
    "team_member_added": Told("org_add_team_member"),
    "team_member_removed": Told("org_remove_team_member"),
    "robot_created": Told("create_robot"),
    "robot_token_replaced": Told("regenerate_robot_token"),
    "robot_deleted": Told("delete_robot"),
}


def kind(ours: str) -> str:
    """Return what a kind is called."""
    told = TOLD.get(ours)
    return ours if told is None else told.kind


def metadata(entry: Entry) -> dict[str, Any]:
    """Return what an entry tells, by the names that Quay has for it."""
    names = told.names if (told := TOLD.get(entry.kind)) else {}
    found: dict[str, Any] = {}
    if entry.namespace is not None:
        found["namespace"] = entry.namespace
    if entry.repository is not None:
        found["repo"] = entry.repository.partition("/")[2]
    found |= {names.get(name, name): value for name, value in entry.details.items() if value is not None}
    if entry.kind == "manifest_pushed" and (tags := entry.details.get("tags")):
        found["tag"] = tags[0]
    if entry.repeat_count > 1:
        found["count"] = entry.repeat_count
    if entry.user_agent is not None:
        found["user-agent"] = entry.user_agent
    if entry.request_id is not None:
        found["request_id"] = entry.request_id
    return found
