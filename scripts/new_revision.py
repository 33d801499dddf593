"""Writes a revision into migrations/versions: what the tables of the rooms have and the migrated schema has not.

Usage: .venv/bin/python scripts/new_revision.py "what changes". Read what it wrote: it cannot know
how rows are to be moved.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

from wharf.db.migrate import FOLDER, migrating


def main(message: str) -> None:
    """Migrate an empty SQLite database to the newest revision and compare it with the tables."""
    number = len(list((FOLDER / "versions").glob("*.py"))) + 1
    with tempfile.TemporaryDirectory() as folder, migrating(f"sqlite:///{Path(folder, 'wharf.db')}") as config:
        command.upgrade(config, "head")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
    for arguments in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([Path(sys.executable).with_name("ruff"), *arguments, FOLDER / "versions"], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
