"""The source tree as the architecture tests read it: modules by name, parsed, and never imported."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"


@dataclass(frozen=True)
class Module:
    """One file below src/."""

    name: str
    path: Path
    text: str
    syntax: ast.Module

    @property
    def line_count(self) -> int:
        return self.text.count("\n")

    @property
    def room(self) -> str:
        """The room it belongs to: the second word of its name."""
        return self.name.partition(".")[2].partition(".")[0]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


@cache
def modules() -> tuple[Module, ...]:
    """All modules of Wharf, by name."""
    return tuple(sorted((_read(path) for path in SOURCE.rglob("*.py")), key=lambda module: module.name))


@cache
def graph() -> grimp.ImportGraph:
    """Who imports whom, libraries included."""
    return grimp.build_graph("wharf", include_external_packages=True, cache_dir=None)


def _read(path: Path) -> Module:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    text = path.read_text()
    return Module(".".join(parts).removesuffix(".__init__"), path, text, ast.parse(text))
