from pathlib import Path

import pytest

from wharf.config import Config, ConfigInvalid, Networks, load


def written(folder: Path, text: str) -> Path:
    file = folder / "wharf.yaml"
    file.write_text(text)
    return file


def problems(**arguments: object) -> str:
    with pytest.raises(ConfigInvalid) as caught:
        load(**arguments)  # type: ignore[arg-type]
    return str(caught.value)


def test_without_any_source_everything_is_at_its_default() -> None:
    loaded = load(environment={})
    assert Config() == loaded.config
    assert loaded.file is None
    assert loaded.config.server.host == "127.0.0.1"
    assert loaded.config.database.url == "sqlite:///wharf-data/wharf.db"
    assert loaded.config.storage.path == Path("wharf-data/storage")


def test_each_source_wins_over_the_one_before(tmp_path: Path) -> None:
    file = written(tmp_path, "server:\n  port: 1\n  backlog: 1\nregistry:\n  create_on_push: false\n")
    environment = {"WHARF_SERVER__PORT": "2", "WHARF_SERVER__BACKLOG": "2", "WHARF_GC__ENABLED": "false"}
    config = load(file, environment, {"server.port": 3, "server.host": None}).config
    assert (3, 2) == (config.server.port, config.server.backlog)
    assert config.server.host == "127.0.0.1"
    assert not config.registry.create_on_push
    assert not config.gc.enabled


def test_the_data_folder_places_what_is_not_placed_elsewhere() -> None:
    config = load(environment={"WHARF_DATA_FOLDER": "/srv/wharf", "WHARF_STORAGE__PATH": "/bulk"}).config
    assert config.database.url == "sqlite:////srv/wharf/wharf.db"
    assert config.storage.path == Path("/bulk")


def test_the_file_may_be_named_by_a_variable(tmp_path: Path) -> None:
    file = written(tmp_path, "server: {port: 7}")
    loaded = load(environment={"WHARF_CONFIG": str(file)})
    assert (7, file) == (loaded.config.server.port, loaded.file)


@pytest.mark.parametrize("text", ["", "# nothing\n", "server:\nregistry:\n"])
def test_empty_files_and_sections_mean_defaults(tmp_path: Path, text: str) -> None:
    assert Config() == load(written(tmp_path, text), {}).config


def test_lists_and_nothing_can_be_said_in_the_environment() -> None:
    environment = {"WHARF_SERVER__TRUSTED_PROXIES": "10.0.0.0/8, fd00::/8", "WHARF_REGISTRY__LIBRARY_NAMESPACE": ""}
    config = load(environment=environment).config
    assert "10.1.2.3" in config.server.trusted_proxies
    assert config.registry.library_namespace is None


def test_variables_of_a_kubernetes_service_called_wharf_are_not_ours() -> None:
    environment = {
        "WHARF_PORT": "tcp://10.0.0.1:8080",
        "WHARF_SERVICE_HOST": "10.0.0.1",
        "WHARF_SERVICE_PORT_HTTP": "8080",
        "WHARF_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert Config() == load(environment=environment).config


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("sever: {port: 1}", "sever is not a setting; did you mean server?"),
        ("server: {prot: 1}", "server.prot is not a setting; did you mean port?"),
        ("storage: {s3: {buckt: x}}", "storage.s3.buckt is not a setting; did you mean bucket?"),
        ("zzz: 1", "zzz is not a setting"),
        ("server: {port: none}", "server.port: Expected int, got str"),
        ("server: {port: 70000}", "server.port: Expected int <= 65535"),
        ("server: 8080", "server: Expected object, got int"),
        ("server: {public_url: registry.example.com}", "public_url must look like"),
        ("server: {tls_key: /key.pem}", "tls_certificate and tls_key go together"),
        ("server: {trusted_proxies: [10.0.0]}", "'10.0.0' does not appear to be"),
        ("server: {trusted_proxies: 5}", "server.trusted_proxies: Expected text, got int"),
        ("secret_key: 5", "secret_key: Expected text, got int"),
        ("secret_key: short", "at least 32 characters"),
        ("database: {url: 'mysql://x'}", "database: url must begin with"),
        ("database: {pool_min: 5, pool_max: 4}", "pool_min must not be greater"),
        ("storage: {driver: s3}", "s3.bucket is needed"),
        ("storage: {driver: ftp}", "storage.driver: Invalid enum value"),
        ("registry: {tag_list_default_count: 5, tag_list_max_count: 4}", "must not be greater"),
        ("- a", "must be a mapping"),
        ("1: 2", "must be a mapping"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_a_slip_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in problems(file=written(tmp_path, text), environment={})


def test_all_unknown_keys_are_told_at_once(tmp_path: Path) -> None:
    file = written(tmp_path, "sever: 1\nregisty: 2")
    told = problems(file=file, environment={"WHARF_SERVER__PROT": "1"})
    assert 3 == len(told.splitlines())
    assert "WHARF_SERVER__PROT is not a setting; did you mean WHARF_SERVER__PORT?" in told


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    assert "No such file" in problems(file=tmp_path / "absent.yaml", environment={})


def test_networks_know_their_addresses() -> None:
    networks = Networks.parse("10.0.0.0/8,::1")
    assert "10.9.9.9" in networks
    assert "::ffff:10.9.9.9" in networks
    assert "::1" in networks
    assert "192.168.0.1" not in networks
    assert "unix:" not in networks
    assert None not in networks
    assert "10.0.0.1" not in Networks()
