"""Kinds of entries that are no events: what changes nothing, mostly. Every event is a kind too, by its own name."""

from wharf.access.actions import Action

MANIFEST_PULLED = "manifest_pulled"
SIGNED_IN = "signed_in"
SIGN_IN_FAILED = "sign_in_failed"
SIGNED_OUT = "signed_out"
PULL_DENIED = "pull_denied"
PUSH_DENIED = "push_denied"
DELETE_DENIED = "delete_denied"
ACTION_DENIED = "action_denied"

TAG_CREATED = "tag_created"
"""A `TagMoved` of a tag that was nowhere before: the one event that is told as two kinds, as people see two things."""

DENIED = {Action.PULL: PULL_DENIED, Action.PUSH: PUSH_DENIED, Action.DELETE: DELETE_DENIED}

KINDS = frozenset(
    {MANIFEST_PULLED, SIGNED_IN, SIGN_IN_FAILED, SIGNED_OUT, *DENIED.values(), ACTION_DENIED, TAG_CREATED},
)
"""Never renamed: other systems are told these names."""
