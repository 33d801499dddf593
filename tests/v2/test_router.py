"""The grammar of paths, without a registry behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.access.actions import Action
from wharf.v2.errors import PathUnknown
from wharf.v2.router import ROUTES, Endpoint, locate

WORDS = ["a", "blobs", "manifests", "tags", "uploads", "referrers", "list", "v2", "auth", "_catalog", "0-9", "x.y"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("/".join)
ARGUMENTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("path", "endpoint", "name", "argument"),
    [
        ("/v2", Endpoint.PING, "", ""),
        ("/v2/", Endpoint.PING, "", ""),
        ("/v2/auth", Endpoint.TOKEN, "", ""),
        ("/v2/_catalog", Endpoint.CATALOG, "", ""),
        ("/v2/_oci/ext/discover", Endpoint.EXTENSIONS, "", ""),
        ("/v2/a/manifests/latest", Endpoint.MANIFEST, "a", "latest"),
        ("/v2/a/b/c/blobs/sha256:00", Endpoint.BLOB, "a/b/c", "sha256:00"),
        ("/v2/a/blobs/uploads", Endpoint.UPLOADS, "a", ""),
        ("/v2/a/blobs/uploads/", Endpoint.UPLOADS, "a", ""),
        ("/v2/a/blobs/uploads/1", Endpoint.UPLOAD, "a", "1"),
        ("/v2/a/blobs/uploads/1&digest=x", Endpoint.UPLOAD, "a", "1&digest=x"),
        ("/v2/a/tags/list", Endpoint.TAGS, "a", ""),
        ("/v2/a/referrers/sha256:00", Endpoint.REFERRERS, "a", "sha256:00"),
        ("/v2/a/manifests/tags/list", Endpoint.TAGS, "a/manifests", ""),
        ("/v2/a/tags/list/manifests/list", Endpoint.MANIFEST, "a/tags/list", "list"),
        ("/v2/a/blobs/uploads/manifests/x", Endpoint.MANIFEST, "a/blobs/uploads", "x"),
        ("/v2/a/blobs/blobs/uploads/", Endpoint.UPLOADS, "a/blobs", ""),
        ("/v2/blobs/blobs/uploads/uploads", Endpoint.UPLOAD, "blobs", "uploads"),
        ("/v2/a/manifests/", Endpoint.MANIFEST, "a", ""),
        ("/v2/auth/tags/list", Endpoint.TAGS, "auth", ""),
    ],
)
def test_paths(path: str, endpoint: Endpoint, name: str, argument: str) -> None:
    assert (endpoint, name, argument) == locate(path)


@given(NAMES, ARGUMENTS)
def test_every_name_can_be_reached_by_every_route(name: str, argument: str) -> None:
    assert (Endpoint.MANIFEST, name, argument) == locate(f"/v2/{name}/manifests/{argument}")
    assert (Endpoint.REFERRERS, name, argument) == locate(f"/v2/{name}/referrers/{argument}")
    assert (Endpoint.UPLOAD, name, argument) == locate(f"/v2/{name}/blobs/uploads/{argument}")
    assert (Endpoint.UPLOADS, name, "") == locate(f"/v2/{name}/blobs/uploads/")
    assert (Endpoint.TAGS, name, "") == locate(f"/v2/{name}/tags/list")
    if argument != "uploads":
        assert (Endpoint.BLOB, name, argument) == locate(f"/v2/{name}/blobs/{argument}")


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    for path in (text, f"/v2{text}", f"/v2/{text}"):
        try:
            target = locate(path)
        except PathUnknown:
            continue
        assert target.endpoint in ROUTES


def test_what_methods_do_to_a_repository() -> None:
    actions = {
        (endpoint, method): route.action for endpoint, routes in ROUTES.items() for method, route in routes.items()
    }
    without = {Endpoint.PING, Endpoint.TOKEN, Endpoint.CATALOG, Endpoint.EXTENSIONS}
    assert set(ROUTES) == set(Endpoint)
    for (endpoint, method), action in actions.items():
        if endpoint in without:
            assert action is None
        elif endpoint in {Endpoint.UPLOAD, Endpoint.UPLOADS} or method == "PUT":
            assert action is Action.PUSH
        else:
            assert (Action.DELETE if method == "DELETE" else Action.PULL) is action
