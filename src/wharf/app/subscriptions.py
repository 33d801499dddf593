"""What happens when something has happened: every event that causes a job, and the job it causes.

The registry's own consequences (collecting what a deleted tag held) are enqueued by `content` itself, in the
transaction of the cause; here stand the consequences for others. Before them, every event is written into the audit
trail, in its own transaction.
"""

from collections.abc import Mapping, Sequence

from wharf.audit.backends.registry import configured
from wharf.audit.record import recorders
from wharf.config import AuditConfig
from wharf.events.catalog import Event
from wharf.events.publish import MakeJob, connect

SUBSCRIPTIONS: Mapping[type[Event], Sequence[MakeJob]] = {}


def listen(config: AuditConfig) -> None:
    """Let events of this process be recorded and cause their jobs; before the first verb is called."""
    connect(SUBSCRIPTIONS, recorders(configured(config)))
