import pytest

from wharf.api.errors import ERRORS, Rule


@pytest.mark.parametrize(("kind", "rule"), ERRORS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_every_sentence_can_be_said(kind: type[Exception], rule: Rule) -> None:
    fact = kind.__new__(kind)
    fact.__dict__.update(dict.fromkeys(getattr(kind, "__dataclass_fields__", {}), "x"))
    assert "{" not in rule.sentence.format(fact)
    assert 400 <= rule.status < 600
