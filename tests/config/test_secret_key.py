from pathlib import Path

from wharf.config import Config, Secret
from wharf.config.secret_key import get_or_create


def test_the_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    config = Config(data_folder=tmp_path / "data")
    key = get_or_create(config)
    assert 64 == len(key)
    assert key == get_or_create(config)
    assert [0o600] == [path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()]


def test_a_configured_key_touches_no_disk(tmp_path: Path) -> None:
    key = Secret("k" * 32)
    assert key == get_or_create(Config(data_folder=tmp_path / "data", secret_key=key))
    assert not (tmp_path / "data").exists()
