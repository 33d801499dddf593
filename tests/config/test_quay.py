from pathlib import Path
from typing import Any

import pytest
import yaml

from wharf.config import Config, ConfigInvalid, load

LOCAL: dict[str, Any] = {
    "SERVER_HOSTNAME": "quay.example.com",
    "PREFERRED_URL_SCHEME": "https",
    "DB_URI": "postgresql://quay:secret@db/quay",
    "SECRET_KEY": "1" * 40,
    "DATABASE_SECRET_KEY": "2" * 40,
    "DEFAULT_TAG_EXPIRATION": "4w",
    "DISTRIBUTED_STORAGE_CONFIG": {"default": ["LocalStorage", {"storage_path": "/datastorage/registry"}]},
    "DISTRIBUTED_STORAGE_PREFERENCE": ["default"],
    "CREATE_PRIVATE_REPO_ON_PUSH": False,
    "FEATURE_LIBRARY_SUPPORT": True,
    "LIBRARY_NAMESPACE": "base",
    "SETUP_COMPLETE": True,
}


def read(folder: Path, content: dict[str, Any]) -> tuple[Config, str]:
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(content))
    loaded = load(file, {})
    return loaded.config, "\n".join(loaded.notes)


def test_a_quay_configuration_is_recognised_and_translated(tmp_path: Path) -> None:
    config, notes = read(tmp_path, LOCAL)
    assert config.server.public_url == "https://quay.example.com"
    assert config.database.url == "postgresql://quay:secret@db/quay"
    assert config.secret_key == "2" * 40
    assert config.registry.time_machine_seconds == 28 * 86400
    assert config.registry.default_visibility == "public"
    assert config.registry.library_namespace == "base"
    assert (config.storage.driver, config.storage.path) == ("local", Path("/datastorage/registry"))
    assert "database of its own" in notes
    assert "not used" not in notes


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            [
                "S3Storage",
                {
                    "s3_bucket": "b",
                    "s3_region": "eu-west-1",
                    "storage_path": "/quay/registry",
                    "s3_access_key": "a",
                    "s3_secret_key": "s",
                },
            ],
            (None, "eu-west-1", "b", "quay/registry/wharf/", "a", "s", False),
        ),
        (
            ["S3Storage", {"s3_bucket": "b", "host": "s3.example.com", "port": 9000}],
            ("https://s3.example.com:9000", "us-east-1", "b", "wharf/", "", "", True),
        ),
        (
            ["RadosGWStorage", {"hostname": "rgw", "port": 8080, "is_secure": False, "bucket_name": "b"}],
            ("http://rgw:8080", "us-east-1", "b", "wharf/", "", "", True),
        ),
    ],
)
def test_object_stores_become_s3(tmp_path: Path, found: list[object], expected: tuple[object, ...]) -> None:
    config, _ = read(tmp_path, LOCAL | {"DISTRIBUTED_STORAGE_CONFIG": {"default": found}})
    s3 = config.storage.s3
    assert config.storage.driver == "s3"
    assert expected == (s3.endpoint, s3.region, s3.bucket, s3.prefix, s3.access_key, s3.secret_key, s3.path_style)


def test_the_preferred_site_is_taken(tmp_path: Path) -> None:
    sites = {"us": ["LocalStorage", {"storage_path": "/us"}], "eu": ["LocalStorage", {"storage_path": "/eu"}]}
    change = {"DISTRIBUTED_STORAGE_CONFIG": sites, "DISTRIBUTED_STORAGE_PREFERENCE": ["eu", "us"]}
    config, _ = read(tmp_path, LOCAL | change)
    assert config.storage.path == Path("/eu")


@pytest.mark.parametrize(
    ("change", "url"),
    [
        ({"DB_CONNECTION_ARGS": {"threadlocals": True}}, "postgresql://quay:secret@db/quay"),
        ({"DB_CONNECTION_ARGS": {"sslmode": "require"}}, "postgresql://quay:secret@db/quay?sslmode=require"),
        (
            {"DB_CONNECTION_ARGS": {"ssl": {"ca": "/ca.pem"}}},
            "postgresql://quay:secret@db/quay?sslmode=verify-full&sslrootcert=%2Fca.pem",
        ),
        ({"DB_URI": "postgresql+psycopg2://q@db/quay"}, "postgresql://q@db/quay"),
        ({"DB_URI": "sqlite:////conf/quay.db"}, "sqlite:////conf/quay.db"),
    ],
)
def test_database_uris(tmp_path: Path, change: dict[str, Any], url: str) -> None:
    config, _ = read(tmp_path, LOCAL | change)
    assert url == config.database.url


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"DB_URI": "mysql+pymysql://q@db/quay"}, "not in MySQL"),
        ({"DISTRIBUTED_STORAGE_CONFIG": {"default": ["SwiftStorage", {}]}}, "SwiftStorage is not supported"),
        ({"DISTRIBUTED_STORAGE_PREFERENCE": ["elsewhere"]}, "names no site"),
        ({"DEFAULT_TAG_EXPIRATION": "soon"}, "is not a duration"),
    ],
)
def test_what_would_put_data_elsewhere_is_an_error(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigInvalid, match=problem):
        read(tmp_path, LOCAL | change)


def test_what_is_not_used_is_noted(tmp_path: Path) -> None:
    _, notes = read(tmp_path, LOCAL | {"FEATURE_MAILING": True, "ACME_LOGIN_CONFIG": {}, "FEATURE_MAILNIG": True})
    assert "not used by Wharf yet: ACME_LOGIN_CONFIG, FEATURE_MAILING" in notes
    assert "FEATURE_MAILNIG is not a Quay setting; did you mean FEATURE_MAILING?" in notes


def test_names_without_a_slash_can_be_forbidden(tmp_path: Path) -> None:
    config, _ = read(tmp_path, LOCAL | {"FEATURE_LIBRARY_SUPPORT": False, "REGISTRY_STATE": "readonly"})
    assert config.registry.library_namespace is None
    assert config.registry.read_only


def test_variables_win_over_a_quay_file_too(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(LOCAL))
    assert load(file, {"WHARF_SERVER__PUBLIC_URL": "https://other"}).config.server.public_url == "https://other"
