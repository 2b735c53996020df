"""Every bound of a rule of matrix.yaml is proven by what was measured on either side, or says that it is chosen."""

from harness.atlas import proof, releases
from harness.atlas.bounds import bounds_of
from harness.atlas.proof import State
from harness.config import matrix
from tests.places import ROOT

RULES = matrix.load(ROOT / "matrix.yaml").expectations
PROOFS = proof.read()
KNOWN = releases.read(proof.FILE.with_name(releases.NAME))


def test_every_bound_is_proven_or_says_why_it_is_where_it_is() -> None:
    assert list(proof.unproven(RULES, PROOFS, KNOWN)) == []


def test_what_is_chosen_is_a_bound_and_is_not_proven() -> None:
    for rule in RULES:
        bounds = {str(bound): bound for bound in bounds_of(rule)}
        assert set(rule.chosen or {}) <= set(bounds)
        chosen = [bounds[name] for name in rule.chosen or {}]
        assert not [known.words for known in PROOFS if known.edge.bound in chosen and known.state is State.PROVEN]


def test_the_file_is_about_bounds_that_there_are() -> None:
    bounds = {bound for rule in RULES for bound in bounds_of(rule)}
    assert PROOFS
    assert {known.edge.bound for known in PROOFS} <= bounds
