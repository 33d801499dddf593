"""Documentation is under test: what exists is on a page, and pages lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT
from wharf.config.fields import settings

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
ADRS = sorted((DOCS / "adr").glob("[0-9]*.md"))
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _links(page: Path) -> list[Path]:
    """The files that a page links to."""
    targets = [target for target in _LINK.findall(page.read_text()) if "://" not in target]
    return [(page.parent / target).resolve() for target in targets]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    assert not [target for target in _links(page) if not target.exists()]


@pytest.mark.parametrize("adr", ADRS, ids=_name)
def test_a_decision_is_a_page_and_says_what_enforces_it(adr: Path) -> None:
    text = adr.read_text()
    assert text.count("\n") <= 60
    assert re.search(r"^\*\*Enforced by\*\*", text, re.MULTILINE)


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(adr.name[:4]) for adr in ADRS] == list(range(1, len(ADRS) + 1))


def test_every_page_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = {DOCS / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        waiting |= {path for path in _links(page) if path.suffix == ".md"} - reached
    assert not [_name(page) for page in DOCS.rglob("*.md") if page not in reached]


def test_the_readme_names_every_command() -> None:
    commands = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    readme = (ROOT / "README.md").read_text()
    assert not [command for command in commands if f"make {command}" not in readme]


def test_every_setting_is_documented() -> None:
    reference = (DOCS / "reference" / "configuration.md").read_text()
    assert not [setting.name for setting in settings().values() if setting.variable not in reference]
