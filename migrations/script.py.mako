"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
from wharf.db import types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Expand the schema; what the previous release uses stays until no replica runs it."""
    ${upgrades if upgrades else "pass"}
