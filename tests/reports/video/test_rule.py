"""Rules choose files by their values, and can do nothing else."""

import pytest

from avsync.reports.video.record import example_values
from avsync.reports.video.rule import NAMED, Rule

KNOWN = example_values()

FILE = {
    "path": "a.mp4",
    "verdict": "consistent",
    "score": 2.0,
    "p_value": 0.2,
    "offset_ms": -40.0,
    "offset_is_certain": True,
    "num_faces": 0,
    "lse_d": None,
}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("abs(offset_ms) <= 40 and p_value > 0.05", True),
        ("abs(offset_ms) < 40 or p_value < 0.05", False),
        ("0.1 < p_value <= 0.2", True),
        ("not offset_is_certain", False),
        ("offset_is_certain == True and score * 2 - 1 == 3", True),
        ("-offset_ms / 2 == 20 and max(score, 5) == 5", True),
        ('verdict in ("consistent", "not_judged")', True),
        ('verdict not in ("consistent", "not_judged")', False),
        ('verdict != "mismatched"', True),
        ("in_sync", True),
        ("ebu", True),
        ("itu", True),
    ],
)
def test_a_rule_holds_or_not(rule, holds):
    assert Rule(rule, known=KNOWN).holds(FILE) is holds


def test_a_rule_is_false_for_a_file_that_lacks_a_value_that_decides_and_it_is_counted():
    rule = Rule("score < 3 or lse_d < 8", known=KNOWN)
    assert rule.holds(FILE)
    assert not rule.lacking
    assert not rule.holds(FILE | {"score": 4.0})
    assert not rule.holds({})
    assert rule.lacking == {"lse_d": 1, "score": 1}
    negated = Rule("not lse_d < 8", known=KNOWN)
    assert not negated.holds(FILE)
    divided = Rule("score / num_faces < 1", known=KNOWN)
    assert not divided.holds(FILE)
    assert divided.lacking == {"a divisor that is not 0": 1}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("p_valu > 0.05", "unknown value: 'p_valu'; did you mean 'p_value'.* Known: bytes, "),
        ("p_value >", "it is not an expression"),
        ("", "it is not an expression"),
        ("score", "neither true nor false"),
        ("score and p_value > 1", "'score' is not true or false"),
        ("not score", "'score' is not true or false"),
        ("verdict > 3", "compares a text with a number"),
        ("verdict + 1 > 3", "'verdict' is not a number"),
        ("abs(verdict) > 3", "'verdict' is not a number"),
        ("score is 3", "is and is not are not allowed"),
        ("score in path", "'path' is no tuple"),
        ("__import__('os').system('true')", "is not allowed in a rule"),
        ("score.__class__ == 1", r"'score\.__class__' is not allowed"),
        ("score ** 99 > 1", "is not allowed"),
        ("[x for x in (1, 2)] == 1", "is not allowed"),
        ("(lambda: 1)() == 1", "is not allowed"),
        ("open('x') == 1", "is not allowed"),
        ("min(*(1, 2)) == 1", "is not allowed"),
        ("(score := 1) == 1", "is not allowed"),
        ("score == None", "'None' is not allowed"),
        ("(" * 300 + "score" + ")" * 300 + " < 1", "it is not an expression"),
        ("-" * 1500 + "score < 1", "it is nested too deeply"),
        ("not " * 450 + "offset_is_certain", "it is nested too deeply"),
        ("score < " + "9" * 400 + " / 2", "it has a number beyond 1.8e308"),
        ("score < 1 or " * 300 + "score < 1", "more than 2000 characters"),
    ],
)
def test_what_is_no_rule_is_refused_before_it_runs(rule, reason):
    with pytest.raises(ValueError, match=f"^--where=.*{reason}"):
        Rule(rule, known=KNOWN)


@pytest.mark.parametrize("name", NAMED)
def test_rules_with_a_name_use_values_that_there_are(name):
    assert Rule(name, known=KNOWN).text == NAMED[name]
