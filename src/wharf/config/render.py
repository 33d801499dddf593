"""Prints the tree: a configuration in use (secrets masked), the sample file, the reference page, the JSON schema."""

import re
from pathlib import Path
from typing import Any

import yaml

from wharf.config.fields import Section, Setting, sections
from wharf.config.tree import Config
from wharf.config.values import MASK, Networks, Secret

_URL_PASSWORD = re.compile(r"(://[^:/@]*:)[^@]*@")

_REFERENCE_HEAD = """
Sources, each winning over the one before: defaults, `wharf.yaml` (or the file named by `--config` or `WHARF_CONFIG`),
environment variables, options of the command line. Lists in variables are separated by commas. A key that does not
exist is an error. `wharf config check` tests a configuration, `wharf config show` prints the one in use without its
secrets; [wharf.sample.yaml](wharf.sample.yaml) lists every setting and [wharf.schema.json](wharf.schema.json) helps
editors.

A Quay `config.yaml` works too, also as `/conf/stack/config.yaml`; Wharf says which of its settings it does not use.
"""

_JSON_TYPES: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string"},
    Secret: {"type": "string", "writeOnly": True},
    Networks: {"type": "array", "items": {"type": "string"}},
}


def show(config: Config) -> str:
    """A configuration as YAML, without its secrets."""
    tree: dict[str, Any] = {}
    for section in sections():
        here, values = tree, config
        for key in section.path:
            here, values = here.setdefault(key, {}), getattr(values, key)
        for setting in section.settings:
            here[setting.path[-1]] = _plain(getattr(values, setting.path[-1]), mask=True)
    return yaml.safe_dump(tree, sort_keys=False)


def sample() -> str:
    """A wharf.yaml with every setting commented out at its default."""
    lines = [
        "# Every setting of Wharf, at its default. Uncomment what you change; `wharf config check` finds slips.",
        "# `wharf config sample` prints this file.",
    ]
    for section in sections():
        indent = "  " * len(section.path)
        lines.append("")
        if section.path:
            lines.append(f"{indent[2:]}{section.path[-1]}:  # {section.doc}")
        for setting in section.settings:
            lines += [f"{indent}# {setting.meta.description}", f"{indent}#{setting.path[-1]}: {_yaml(setting.default)}"]
    return "\n".join(lines) + "\n"


def reference() -> str:
    """The reference page, in Markdown."""
    lines = [
        "# Configuration",
        "",
        "<!-- Printed by `wharf config reference`; a test fails when this page is not up to date. -->",
        "",
        *_REFERENCE_HEAD.strip().splitlines(),
    ]
    for section in sections():
        lines += ["", f"## {'.'.join(section.path) or 'Top level'}", "", section.doc, ""]
        lines += ["| setting | variable | type | default | meaning |", "|---|---|---|---|---|"]
        lines += [_row(setting) for setting in section.settings]
    return "\n".join(lines) + "\n"


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of wharf.yaml."""
    by_path = {section.path: _object(section) for section in sections()}
    for path, node in by_path.items():
        if path:
            by_path[path[:-1]]["properties"][path[-1]] = node
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "wharf.yaml", **by_path[()]}


def _object(section: Section) -> dict[str, Any]:
    properties = {setting.path[-1]: _property(setting) for setting in section.settings}
    return {
        "type": "object",
        "description": section.doc,
        "additionalProperties": False,
        "properties": properties,
    }


def _property(setting: Setting) -> dict[str, Any]:
    node = dict(_JSON_TYPES[setting.kind])
    if setting.optional:
        node["type"] = [node["type"], "null"]
    if setting.choices:
        node["enum"] = list(setting.choices)
    if setting.meta.ge is not None:
        node["minimum"] = setting.meta.ge
    if setting.meta.le is not None:
        node["maximum"] = setting.meta.le
    return {"description": setting.meta.description, **node, "default": _plain(setting.default)}


def _row(setting: Setting) -> str:
    default = _yaml(setting.default)
    cells = (
        f"`{setting.path[-1]}`",
        f"`{setting.variable}`",
        setting.type_name,
        f"`{default}`",
        setting.meta.description,
    )
    return "| " + " | ".join(cell or "" for cell in cells) + " |"


def _yaml(value: object) -> str:
    return yaml.safe_dump(_plain(value), default_flow_style=True, width=1000).removesuffix("...\n").strip()


def _plain(value: object, *, mask: bool = False) -> object:
    if isinstance(value, Networks):
        return [str(network) for network in value.networks]
    if isinstance(value, Secret) and mask:
        # A database URL is a secret for its password; the rest is what a person wants to see.
        return _URL_PASSWORD.sub(rf"\1{MASK}@", value) if "://" in value else MASK if value else ""
    return str(value) if isinstance(value, str | Path) else value
