"""Registry scopes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wharf.oci.errors import ScopeInvalid
from wharf.oci.scopes import MAX_SCOPES, Scope, parse_all

PULL = frozenset({"pull"})
PULL_PUSH = frozenset({"pull", "push"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repository:acme/app:pull,push", Scope("repository", "acme/app", PULL_PUSH)),
        ("repository:acme/app:push,pull,pull", Scope("repository", "acme/app", PULL_PUSH)),
        ("repository:alpine:*", Scope("repository", "alpine", frozenset({"*"}))),
        ("repository:alpine:", Scope("repository", "alpine", frozenset())),
        ("registry:catalog:*", Scope("registry", "catalog", frozenset({"*"}))),
        ("repository(plugin):acme/app:pull", Scope("repository", "acme/app", PULL, "plugin")),
        ("repository:localhost:5000/acme/app:pull", Scope("repository", "localhost:5000/acme/app", PULL)),
    ],
)
def test_scopes(text: str, expected: Scope) -> None:
    assert expected == Scope.parse(text)
    assert expected == Scope.parse(str(expected))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repository",
        "repository:acme/app",
        "::",
        "repository::pull",
        ":acme/app:pull",
        "Repository:acme/app:pull",
        "repository():acme/app:pull",
        "repository(plugin:acme/app:pull",
        "repository:acme/app:pull,",
        "repository:acme/app:PULL",
        "repository:acme app:pull",
        'repository:acme"app:pull',
        "repository:acme\\app:pull",
        "repository:acme\napp:pull",
        "repository:acmé:pull",
        "repository:" + "a" * 2000 + ":pull",
    ],
)
def test_what_is_no_scope(text: str) -> None:
    with pytest.raises(ScopeInvalid):
        Scope.parse(text)


def test_scopes_come_repeated_and_in_lists_and_are_merged() -> None:
    scopes = parse_all(
        ["repository:acme/app:pull repository:acme/base:pull", "repository:acme/app:push", " nonsense  ", ""]
    )
    assert (Scope("repository", "acme/app", PULL_PUSH), Scope("repository", "acme/base", PULL)) == scopes


def test_a_class_is_part_of_what_is_asked() -> None:
    assert 2 == len(parse_all(["repository:acme/app:pull", "repository(plugin):acme/app:pull"]))


def test_a_flood_of_scopes_is_cut() -> None:
    scopes = parse_all([f"repository:acme/app{number}:pull" for number in range(1000)])
    assert MAX_SCOPES == len(scopes)
    assert "acme/app0" == scopes[0].name


kinds = st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True)
names = st.text(
    alphabet=st.characters(codec="ascii", exclude_characters=' "\\', min_codepoint=33, max_codepoint=126), min_size=1
)
actions = st.frozensets(st.one_of(st.just("*"), st.from_regex(r"[a-z]{1,8}", fullmatch=True)), max_size=4)


@given(st.builds(Scope, kinds, names, actions, st.none() | kinds))
def test_a_scope_comes_back_as_it_was_written(scope: Scope) -> None:
    assert scope == Scope.parse(str(scope))


@given(st.one_of(st.text(), st.from_regex(r"\A[a-z()]{0,12}:[a-z:/]{0,12}:[a-z,*]{0,12}\Z")))
def test_any_text_is_a_scope_or_invalid(text: str) -> None:
    try:
        scope = Scope.parse(text)
    except ScopeInvalid:
        assert " " in text or () == parse_all([text])
    else:
        assert scope == Scope.parse(str(scope))


@given(st.lists(st.text()))
def test_no_list_of_scopes_is_refused(values: list[str]) -> None:
    assert len(parse_all(values)) <= MAX_SCOPES
