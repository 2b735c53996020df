"""The grid says of every pair, route and model what `ask` says."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from harness.atlas import names
from harness.atlas.entries import pair_files
from harness.atlas.measured import Atlas
from harness.contract.routes import ROUTES
from harness.site import grid
from harness.site.frame import Frame
from harness.site.grid import Grid


@pytest.fixture
def atlas(frame: Frame) -> Atlas:
    return frame.atlas


@pytest.fixture
def answers(frame: Frame) -> Grid:
    return frame.grid


def test_it_says_of_each_measured_pair_and_of_others_what_ask_says(atlas: Atlas, answers: Grid) -> None:
    chance = random.Random(1)  # noqa: S311  it is no secret
    pairs = [*answers.asked, *chance.sample(sorted(answers.of_pair), 60)]
    models = [*chance.sample(sorted(answers.class_of), 40), "eva02_tiny_patch14_224"]
    for pair in pairs:
        for part in atlas.parts(pair, dict.fromkeys(answers.routes, models)):
            assert answers.part(pair, part.route, part.model) == part, (pair, part.route, part.model)


def test_it_has_every_release_and_every_model_of_the_catalogs(atlas: Atlas, answers: Grid) -> None:
    packaged = {model.model for timm in names.packaged() for model in names.catalog_of(timm)}
    assert set(answers.class_of) == packaged
    assert [len(releases) for releases in answers.releases] == [
        len(atlas.known[name]) for name in ("transformers", "timm")
    ]
    assert len(answers.of_pair) == len(answers.releases[0]) * len(answers.releases[1])


def test_models_of_which_a_rule_names_only_some_are_apart(answers: Grid) -> None:
    together = {model for models in answers.classes if "poolformer_s12" in models for model in models}
    assert "poolformerv2_s12" not in together


def test_a_pair_between_two_that_were_measured_says_so(few: Path, atlas: Atlas) -> None:
    pairs = pair_files.read(few)
    above = pairs["5.23.0", "1.0.31"]
    below = replace(above, versions={**above.versions, "transformers": "5.22.0"})
    widened = Atlas({**pairs, below.releases: below}, atlas.lane, atlas.known)
    part = grid.of(widened).part(("5.22.2", "1.0.31"), "tower", "vit_relpos_small_patch16_224")
    assert part.basis == "not measured; transformers 5.22.0 and 5.23.0 on either side agree"


def test_each_route_has_an_answer_for_each_class_or_one_if_it_has_no_timm_model(answers: Grid) -> None:
    for row in answers.rows:
        for route, found in zip(answers.routes, row, strict=True):
            assert len(found) == (len(answers.classes) if ROUTES[route].has_timm else 1)
