"""What happens when something has happened: every event that causes a job, and the job it causes.

The registry's own consequences (collecting what a deleted tag held) are enqueued by `content` itself, in the
transaction of the cause; here stand the consequences for others.
"""

from collections.abc import Mapping, Sequence

from wharf.events.catalog import Event
from wharf.events.publish import MakeJob

SUBSCRIPTIONS: Mapping[type[Event], Sequence[MakeJob]] = {}
