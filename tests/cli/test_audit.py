import json

from tests.cli.conftest import Shell


def test_what_was_done_on_this_machine_is_printed(shell: Shell) -> None:
    shell("user", "create", "ada", "--password-stdin", stdin="correct horse")
    shell("organization", "create", "acme", "--owner", "ada")
    lines = [json.loads(line) for line in shell("audit").splitlines()]
    assert {"user_created", "organization_created"} <= {line["kind"] for line in lines}
    assert all(line["client_ip"] is None for line in lines)
    assert {"acme"} == {json.loads(line)["namespace"] for line in shell("audit", "--namespace", "acme").splitlines()}
    assert not shell("audit", "--until", "2000-01-01")
    assert not shell("audit", "--since", "2100-01-01")
