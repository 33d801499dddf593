import json
import re
from pathlib import Path

import pytest
import yaml

from wharf.config import Config, DatabaseConfig, S3Config, Secret, StorageConfig, load, render
from wharf.config.fields import settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize(
    ("file", "content", "command"),
    [
        ("configuration.md", render.reference(), "reference"),
        ("wharf.sample.yaml", render.sample(), "sample"),
        ("wharf.schema.json", json.dumps(render.schema(), indent=2) + "\n", "schema"),
    ],
)
def test_the_pages_are_up_to_date(file: str, content: str, command: str) -> None:
    assert content == (REFERENCE / file).read_text("utf-8"), f"run: wharf config {command} > docs/reference/{file}"


def test_the_sample_is_the_default_configuration_commented_or_not(tmp_path: Path) -> None:
    file = tmp_path / "wharf.yaml"
    for text in (render.sample(), re.sub(r"^( *)#(\w+:)", r"\1\2", render.sample(), flags=re.MULTILINE)):
        file.write_text(text)
        assert Config() == load(file, {}).config


def test_what_is_shown_can_be_loaded_again_and_hides_secrets(tmp_path: Path) -> None:
    config = Config(
        secret_key=Secret("s" * 40),
        database=DatabaseConfig(url=Secret("postgresql://wharf:hunter2@db/wharf")),
        storage=StorageConfig(s3=S3Config(access_key=Secret("AKIA"), secret_key=Secret("hunter3"))),
    )
    shown = render.show(config)
    assert not any(secret in shown + repr(config) for secret in ("hunter2", "hunter3", "AKIA", "ssss"))
    assert yaml.safe_load(shown)["database"]["url"] == "postgresql://wharf:********@db/wharf"
    file = tmp_path / "wharf.yaml"
    file.write_text(render.show(Config()))
    assert Config() == load(file, {}).config


def test_the_schema_knows_every_setting() -> None:
    schema = render.schema()
    for setting in settings().values():
        node = schema
        for key in setting.path:
            assert node["additionalProperties"] is False
            node = node["properties"][key]
        assert node["description"] == setting.meta.description
