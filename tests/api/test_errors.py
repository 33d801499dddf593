import pytest

from wharf.api.errors import ERRORS, Rule


@pytest.mark.parametrize(("kind", "rule"), ERRORS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_every_sentence_can_be_said(kind: type[Exception], rule: Rule) -> None:
    fields = dict.fromkeys(("name", "email", "reason", "scope", "state", "digest", "reference", "uuid"), "x")
    fact = kind.__new__(kind)
    fact.__dict__.update(fields)
    assert "{" not in rule.sentence.format(fact)
    assert 400 <= rule.status < 600
