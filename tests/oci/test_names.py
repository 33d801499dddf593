"""Names and references."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.oci import references
from wharf.oci.digest import EMPTY_JSON, Digest
from wharf.oci.errors import DigestInvalid, NameInvalid, TagInvalid
from wharf.oci.names import RepositoryName, TagName

# As the specification writes them, for comparison with what is used.
NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")


@pytest.mark.parametrize(
    "text",
    [
        "alpine",
        "library/alpine",
        "a/b/c/d/e",
        "acme/blobs",
        "acme/manifests/tags/uploads/list",
        "v2/v2",
        "a__b/c.d-e---f",
        "0/1",
        "a" * 255,
    ],
)
def test_names(text: str) -> None:
    assert text == RepositoryName.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        "a/../b",
        "..",
        "Alpine",
        "acme/App",
        "a___b",
        "a..b",
        "a._b",
        "-a",
        "a-",
        "a b",
        "a%2Fb",
        "acme/app\n",
        "acmé/app",
        "a:b",
        "_catalog",
        "a" * 256,
        "a-" * 1_000_000,
    ],
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(NameInvalid) as invalid:
        RepositoryName.parse(text)
    assert len(str(invalid.value)) < 300


def test_a_name_begins_with_its_namespace() -> None:
    name = RepositoryName.parse("acme/team/app")
    assert ("acme", "team/app") == (name.namespace, name.short_name)
    assert (None, "alpine") == (RepositoryName("alpine").namespace, RepositoryName("alpine").short_name)


@pytest.mark.parametrize("text", ["latest", "v1.0", "_", "0", "sha256-" + "a" * 64, "deadbeef", "A.b-C_d", "a" * 128])
def test_tags(text: str) -> None:
    assert text == TagName.parse(text)
    assert isinstance(references.parse(text), TagName)


@pytest.mark.parametrize("text", ["", ".a", "-a", "a+b", "a/b", "a" * 129, "latest\n", "ä", "a b"])
def test_what_is_no_tag(text: str) -> None:
    with pytest.raises(TagInvalid):
        TagName.parse(text)
    with pytest.raises(TagInvalid):
        references.parse(text)


def test_a_reference_with_a_colon_is_a_digest() -> None:
    assert isinstance(references.parse(EMPTY_JSON), Digest)
    with pytest.raises(DigestInvalid):
        references.parse("sha256:latest")


words = st.text(alphabet="az09", min_size=1, max_size=4)
separators = st.sampled_from([".", "_", "__", "-", "---", "/"])


@given(words, st.lists(st.tuples(separators, words), max_size=10))
def test_what_the_specification_calls_a_name_is_one(first: str, rest: list[tuple[str, str]]) -> None:
    text = first + "".join(separator + word for separator, word in rest)
    assert NAME.fullmatch(text)
    name = RepositoryName.parse(text)
    assert text == "/".join(filter(None, (name.namespace, name.short_name)))


@given(st.text(alphabet="aZ0._-/:+ \n%é", max_size=20))
def test_any_text_is_a_name_exactly_when_the_specification_says_so(text: str) -> None:
    try:
        RepositoryName.parse(text)
        valid = True
    except NameInvalid:
        valid = False
    assert valid == bool(NAME.fullmatch(text))


@given(st.text(alphabet="aZ0._-/+ \n%é", max_size=20))
def test_any_text_is_a_tag_exactly_when_the_specification_says_so(text: str) -> None:
    try:
        references.parse(text)
        valid = True
    except TagInvalid:
        valid = False
    assert valid == bool(TAG.fullmatch(text))


@given(st.text())
def test_any_text_is_a_reference_or_invalid(text: str) -> None:
    with contextlib.suppress(TagInvalid, DigestInvalid):
        assert text == references.parse(text)
