import fnmatch
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.config import matrix
from harness.config.errors import BadInput
from harness.config.expectation import Rule
from harness.config.lane import Lane
from harness.config.matrix import Route
from harness.config.names import TRAITS
from harness.config.pair import Defaults, Pair
from harness.contract.case import Case
from harness.contract.catalog import BERT, Cut, Entry
from harness.contract.matching import applies_to, covers_releases
from harness.contract.routes import ROUTES
from harness.environments import catalog_history
from tests.places import ROOT

DEFAULTS = Defaults(python="3.11", torch="2.14.1", torchvision="0.29.1")

LANES = "lanes: {cpu-float32: {models: every}, cuda-float32: {models: every}}"

Write = Callable[[str], Path]


def refusal(path: Path) -> str:
    with pytest.raises(BadInput) as caught:
        matrix.load(path)
    return str(caught.value)


# The shipped file


def test_the_shipped_matrix_has_the_seven_pairs() -> None:
    assert [pair.id for pair in matrix.load(ROOT / "matrix.yaml").pairs] == [
        "transformers4.44.2-timm1.0.9",
        "transformers4.48.3-timm1.0.14",
        "transformers4.49.0-timm1.0.15",
        "transformers4.57.6-timm1.0.22",
        "transformers5.0.0-timm1.0.24",
        "transformers5.12.1-timm1.0.27",
        "transformers5.23.0-timm1.0.31",
    ]


COMPANIONS = ("test_convnext", "test_vit_relpos", "resnet18", "regnetx_002", "bert")


def test_the_shipped_matrix_says_where_its_pairs_run() -> None:
    shipped = matrix.load(ROOT / "matrix.yaml")
    assert shipped.current == shipped.pairs[-1].id
    assert [(lane.name, lane.device, lane.dtype, lane.models, lane.variants) for lane in shipped.lanes] == [
        ("cpu-float32", "cpu", "float32", "every", True),
        ("cpu-float32-companions", "cpu", "float32", COMPANIONS, True),
        ("cpu-bfloat16", "cpu", "bfloat16", "quick", False),
        ("cuda-float32", "cuda", "float32", "every", True),
        ("cuda-float16", "cuda", "float16", "quick", False),
        ("cuda-bfloat16", "cuda", "bfloat16", "quick", False),
    ]
    assert shipped.pairs[0].requirements() == [
        "transformers==4.44.2",
        "timm==1.0.9",
        "torch==2.14.1",
        "torchvision==0.29.1",
    ]


def test_what_a_shipped_route_names_is_a_model_of_some_packaged_catalog() -> None:
    shipped = matrix.load(ROOT / "matrix.yaml")
    catalogs = [catalog_history.read(pair.timm) for pair in shipped.pairs]
    models = {BERT.model} | {entry.model for one in catalogs if one for entry in one if shipped.tries(entry)}
    globs = {glob for route in shipped.routes.values() if not isinstance(route.models, str) for glob in route.models}
    assert [glob for glob in sorted(globs) if not fnmatch.filter(models, glob)] == []


def test_the_published_schema_is_current() -> None:
    published = json.loads(matrix.SCHEMA.read_text())
    assert published == matrix.Matrix.json_schema(), published["$comment"]


# Bad input


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        pytest.param(
            'timm: "1.0.31"',
            "timm: 1.10",
            'matrix.yaml: pairs[1].timm: 1.10 is a number; quote versions: "1.10"',
            id="unquoted version",
        ),
        pytest.param(
            'timm: "1.0.31"',
            'timm: "1.0.x"',
            "matrix.yaml: pairs[1].timm: '1.0.x' is no version; one reads \"5.23.0\"",
            id="no version",
        ),
        pytest.param(
            ', timm: "1.0.31"',
            ', tim: "1.0.31"',
            "matrix.yaml: pairs[1]: 'timm' is missing; add it\n"
            "matrix.yaml: pairs[1]: unknown key 'tim', did you mean 'timm'?",
            id="misspelt key",
        ),
        pytest.param(
            "limits: {seconds: 300}",
            "limits: {seconds: 300}\nlimits: {seconds: 10}",
            "matrix.yaml: line 14: key 'limits' is already on line 13; delete one of them",
            id="duplicate key",
        ),
        pytest.param(
            "limits: {",
            "limit: {}\nlimits: {",
            "matrix.yaml: unknown key 'limit', did you mean 'limits'?",
            id="top key",
        ),
        pytest.param(
            "wrapper: {models: every}",
            "wrapper: {modells: every, models: every}",
            "matrix.yaml: routes.wrapper: unknown key 'modells', did you mean 'models'?",
            id="key of a route",
        ),
        pytest.param(
            "because:",
            "urls: x\n    because:",
            "matrix.yaml: expectations[0]: unknown key 'urls', did you mean 'url'?",
            id="key of a rule",
        ),
        pytest.param(
            "    routes: [tower]",
            "    routes: [towr]",
            "matrix.yaml: expectations[0].routes[0]: unknown route 'towr', did you mean 'tower'?",
            id="route of a rule",
        ),
        pytest.param(
            "tower: {",
            "zebra: {",
            f"matrix.yaml: routes: unknown route 'zebra'; there is {', '.join(ROUTES)}",
            id="route",
        ),
        pytest.param(
            "{cpu-float32:",
            "{cpu-float23:",
            "matrix.yaml: lanes: unknown lane 'cpu-float23', did you mean 'cpu-float32'?",
            id="lane",
        ),
        pytest.param(
            "cuda-float32:",
            "cuda-float16:",
            "matrix.yaml: lanes: cuda-float16 has no tolerance; add float16 to tolerances",
            id="lane without tolerance",
        ),
        pytest.param(
            "cuda-float32:",
            "cpu-float32:",
            "matrix.yaml: line 8: key 'cpu-float32' is already on line 8; delete one of them",
            id="duplicate lane",
        ),
        pytest.param(
            LANES,
            "lanes: [cpu-float32, cuda-float32]",
            "matrix.yaml: lanes: is a list; a mapping is wanted",
            id="list of lanes",
        ),
        pytest.param(LANES, "lanes: {}", "matrix.yaml: lanes: is empty; give at least one", id="no lane"),
        pytest.param(
            "cpu-float32: {models: every}",
            "cpu-float32: every",
            "matrix.yaml: lanes.cpu-float32: every is text; a mapping is wanted",
            id="lane without key",
        ),
        pytest.param(
            "cpu-float32: {models: every}",
            "cpu-float32: {}",
            "matrix.yaml: lanes.cpu-float32: 'models' is missing; add it",
            id="lane without models",
        ),
        pytest.param(
            "cpu-float32: {models: every}",
            "cpu-float32: {modells: every, models: every}",
            "matrix.yaml: lanes.cpu-float32: unknown key 'modells', did you mean 'models'?",
            id="key of a lane",
        ),
        pytest.param(
            "cpu-float32: {models: every}",
            "cpu-float32: {models: evry}",
            "matrix.yaml: lanes.cpu-float32.models: give every, quick, or a list of names or globs of models",
            id="models of a lane",
        ),
        pytest.param(
            '- {transformers: "4.48.3", timm: "1.0.14"}',
            '- {transformers: "5.23.0", timm: "1.0.31", torch: "2.14.1"}',
            "matrix.yaml: pairs: transformers5.23.0-timm1.0.31 is named more than once; keep one",
            id="duplicate pair",
        ),
        pytest.param(
            "current: transformers5.23.0-timm1.0.31",
            "current: transformers5.23.0-timm1.0.13",
            "matrix.yaml: current: unknown pair 'transformers5.23.0-timm1.0.13', "
            "did you mean 'transformers5.23.0-timm1.0.31'?",
            id="current",
        ),
        pytest.param(
            "kind: keys",
            "kind: passed",
            "matrix.yaml: expectations[0].finds[0].kind: unknown failing outcome 'passed'; there is "
            "cost, crashed, error, flags, gradients, keys, leaked, nonfinite, out-of-memory, outputs, report, tensors, "
            "timeout",
            id="kind of a finding",
        ),
        pytest.param(
            "where: {gamma_keys:",
            "where: {gama_keys:",
            "matrix.yaml: expectations[0].where: unknown trait 'gama_keys', did you mean 'gamma_keys'?",
            id="trait",
        ),
        pytest.param(
            "gamma_keys: true",
            "gamma_keys: 1.5",
            "matrix.yaml: expectations[0].where.gamma_keys: "
            "give true or false, a whole number, a glob, or a list of these",
            id="trait's value",
        ),
        pytest.param(
            'transformers: "<4.49"',
            'transformers: "below 4.49"',
            "matrix.yaml: expectations[0].transformers: 'below 4.49' is no range of versions; "
            'one reads ">=5.0, <5.24"',
            id="range",
        ),
        pytest.param(
            "where: {gamma_keys: true}",
            "where: {gamma_keys: true}\n    models: ['*']",
            "matrix.yaml: expectations[0]: say which models by either 'models' or 'where'",
            id="models and where",
        ),
        pytest.param(
            "where: {gamma_keys: true}",
            "where: {model: [a, b, c, d, e, f, 'g*']}",
            "matrix.yaml: expectations[0]: "
            "more than 5 models by name are a list of failures; say which by trait or glob",
            id="a list of failures",
        ),
        pytest.param(
            "because: renamed",
            "because: 49",
            'matrix.yaml: expectations[0].because: 49 is a number; quote it: "49"',
            id="number for text",
        ),
        pytest.param(
            "because: renamed",
            "because:",
            "matrix.yaml: expectations[0].because: is empty; text is wanted",
            id="no text",
        ),
        pytest.param(
            "advice: upgrade",
            "advice: upgrade\n    until: 2026-13-01",
            "matrix.yaml: expectations[0].until: 2026-13-01: "
            "should be a valid date or datetime, month value is outside expected range of 1-12",
            id="date",
        ),
        pytest.param(
            "seconds: 300",
            "seconds: 0",
            "matrix.yaml: limits.seconds: 0: should be greater than 0",
            id="limit",
        ),
        pytest.param(
            "limits: {seconds: 300}",
            "limits: {seconds: 300}\ncosts: {seconds: {ratio: 10, floor: -1}, mib: {ratio: 2}}",
            "matrix.yaml: costs.seconds.floor: -1: should be greater than or equal to 0\n"
            "matrix.yaml: costs.mib: 'floor' is missing; add it",
            id="bounds of costs",
        ),
        pytest.param(
            "limits: {seconds: 300}",
            "limits: 300",
            "matrix.yaml: limits: 300 is a number; a mapping is wanted",
            id="no mapping",
        ),
        pytest.param(
            "controls: [resnet18]",
            "controls: resnet18",
            "matrix.yaml: models.controls: resnet18 is text; a list is wanted",
            id="no list",
        ),
        pytest.param(
            "pairs:\n",
            "pairs: &all\n  - *all\n",
            "matrix.yaml: values are nested too deeply, or a YAML alias (*name) stands inside what it repeats; "
            "write it out",
            id="endless alias",
        ),
        pytest.param(
            "limits: {seconds: 300}",
            "limits: {seconds: 300",
            "matrix.yaml: line 14, column 13: not YAML: expected ',' or '}', but got ':'; "
            "mend it there, or quote what is text",
            id="not YAML",
        ),
    ],
)
def test_a_mistake_is_refused_with_place_and_remedy(
    write: Write, matrix_text: str, right: str, wrong: str, message: str
) -> None:
    assert right in matrix_text
    assert refusal(write(matrix_text.replace(right, wrong, 1))) == message


@pytest.mark.parametrize(
    "models",
    ["evry", "[]", "5", "true", "", "{every: true}", "[1.10]", "[[resnet18]]", "['']", "[resnet18, 18]"],
    ids=[
        *("misspelt", "no model", "number", "yes", "nothing", "mapping"),
        *("list with a number", "list in a list", "list with no text", "list with a number at its end"),
    ],
)
def test_models_of_a_route_that_are_neither_every_nor_quick_nor_globs_are_refused(
    write: Write, matrix_text: str, models: str
) -> None:
    text = matrix_text.replace("wrapper: {models: every}", f"wrapper: {{models: {models}}}")
    assert refusal(write(text)) == (
        "matrix.yaml: routes.wrapper.models: give every, quick, or a list of names or globs of models"
    )


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ("[bin, sharded, bin]", "routes.wrapper.variants: bin is named more than once; keep one"),
        ("[safetensors]", "routes.wrapper.variants: safetensors is named more than once; keep one"),
        ("[bin, shardde]", "routes.wrapper.variants[1]: unknown variant 'shardde', did you mean 'sharded'?"),
        ("bin", "routes.wrapper.variants: bin is text; a list is wanted"),
    ],
    ids=["twice", "the default again", "misspelt", "no list"],
)
def test_variants_of_a_route_that_cannot_be_are_refused(
    write: Write, matrix_text: str, variants: str, message: str
) -> None:
    text = matrix_text.replace("wrapper: {models: every}", f"wrapper: {{models: every, variants: {variants}}}")
    assert refusal(write(text)) == f"matrix.yaml: {message}"


@pytest.mark.parametrize(
    ("route", "models"),
    [
        ("legacy-layernorm", "every"),
        ("legacy-layernorm", "quick"),
        ("legacy-layernorm", "[resnet18]"),
        ("legacy-layernorm", "[bert, resnet18]"),
        ("import", "quick"),
        ("classifier", "[bert]"),
    ],
    ids=["every", "quick", "another model", "a model more", "the other of its kind", "another route"],
)
def test_two_routes_and_no_other_have_the_model_that_is_none_of_timms(
    write: Write, matrix_text: str, route: str, models: str
) -> None:
    text = matrix_text.replace("routes:\n", f"routes:\n  {route}: {{models: {models}}}\n", 1)
    assert refusal(write(text)) == (
        f"matrix.yaml: routes: {route}: import and legacy-layernorm, and no other route, have 'models: [bert]': "
        "no timm model is in them"
    )


def test_a_route_keeps_its_globs_and_variants(write: Write, matrix_text: str) -> None:
    routes = """\
  classifier: {models: [convnext_atto, "eva02_*"], variants: [sharded, bin]}
  legacy-layernorm: {models: [bert]}
"""
    loaded = matrix.load(write(matrix_text.replace("routes:\n", f"routes:\n{routes}", 1))).routes
    assert loaded["classifier"] == Route(models=("convnext_atto", "eva02_*"), variants=("sharded", "bin"))
    assert loaded["legacy-layernorm"] == Route(models=("bert",))
    assert loaded["wrapper"] == Route(models="every", variants=())


def test_a_lane_keeps_its_scope(write: Write, matrix_text: str) -> None:
    text = matrix_text.replace("cuda-float32: {models: every}", "cuda-float32: {models: quick}")
    assert matrix.load(write(text)).lanes == (Lane("cpu-float32", "every"), Lane("cuda-float32", "quick"))


def test_all_problems_come_at_once(write: Write, matrix_text: str) -> None:
    text = matrix_text.replace('"4.48.3"', "4.50").replace("    routes: [tower]", "    routes: [towr]")
    text += "limits: {seconds: 300}\n"
    assert refusal(write(text)).splitlines() == [
        "matrix.yaml: line 23: key 'limits' is already on line 13; delete one of them",
        'matrix.yaml: pairs[0].transformers: 4.50 is a number; quote versions: "4.50"',
        "matrix.yaml: expectations[0].routes[0]: unknown route 'towr', did you mean 'tower'?",
    ]


def test_an_empty_list_of_pairs_is_refused(write: Write, matrix_text: str) -> None:
    rows = matrix_text[matrix_text.index("pairs:") : matrix_text.index("current:")]
    assert refusal(write(matrix_text.replace(rows, "pairs: []\n"))) == "matrix.yaml: pairs: is empty; give at least one"


def test_an_empty_file_is_refused(write: Write) -> None:
    assert refusal(write("# nothing yet\n")) == "matrix.yaml: is empty; a mapping is wanted"


def test_a_missing_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal(Path("matrix.yaml")) == (
        "matrix.yaml: there is no such file; run from the project's folder or name one: --matrix"
    )


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is no regular file; name one: --matrix"


def test_a_file_that_is_no_text_is_refused(write: Write) -> None:
    path = write("")
    path.write_bytes(b"as_of: \xff\xfe")
    assert refusal(path) == "matrix.yaml: byte 7 is not UTF-8; save the file as UTF-8"


# Pairs


def test_a_pair_is_named_for_what_differs_from_the_defaults(write: Write, matrix_text: str) -> None:
    text = matrix_text.replace('"4.48.3", timm', '"4.48.03", torch: "2.15.0", python: "3.12", timm')
    pair = matrix.load(write(text)).pairs[0]
    assert pair.id == "transformers4.48.3-timm1.0.14-torch2.15.0-py3.12"
    assert pair.torchvision == "0.29.1"


def test_requirements_name_a_pair() -> None:
    pair = Pair.parse_requirements(["timm==1.0.26", "transformers==5.8.1", "python==3.12"], DEFAULTS)
    assert pair.id == "transformers5.8.1-timm1.0.26-py3.12"
    assert pair.requirements() == ["transformers==5.8.1", "timm==1.0.26", "torch==2.14.1", "torchvision==0.29.1"]


@pytest.mark.parametrize(
    ("requirements", "problems"),
    [
        pytest.param(
            ["transformers>=5", "timm"],
            [
                "transformers>=5: name one release, as in transformers==1.2.3",
                "timm: name one release, as in timm==1.2.3",
            ],
            id="ranges",
        ),
        pytest.param(
            ["transformer==5.8.1", "timm==1.0.26"],
            [
                "transformer==5.8.1: unknown package 'transformer', did you mean 'transformers'?",
                "transformers is not named; add its release, as in transformers==5.23.0",
            ],
            id="unknown package",
        ),
        pytest.param(
            ["transformers==5.8.1"], ["timm is not named; add its release, as in timm==1.0.31"], id="one missing"
        ),
        pytest.param(
            ["transformers==5.8.1", "timm==1.0.26", "timm==1.0.27"],
            ["timm==1.0.27: timm is named twice; name one release"],
            id="twice",
        ),
        pytest.param(
            ["transformers==5.*", "timm==1.0.26"],
            ["transformers==5.*: name one release, as in transformers==1.2.3"],
            id="wildcard",
        ),
        pytest.param(
            ["transformers=5.8.1", "transformers==5.8.1", "timm==1.0.26"],
            ["transformers=5.8.1: is no requirement; one reads transformers==5.23.0"],
            id="one equals sign",
        ),
    ],
)
def test_requirements_that_name_no_pair_are_refused(requirements: list[str], problems: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        Pair.parse_requirements(requirements, DEFAULTS)
    assert str(caught.value).splitlines() == problems


# Rules

EVA = Entry(
    model="eva02_tiny_patch14_224",
    family="timm.models.eva",
    params=5_500_000,
    input_size=(3, 224, 224),
    gamma_keys=0,
    beta_keys=0,
    scale_keys=0,
    non_persistent_buffers=2,
    batch_norm=False,
    classifier=True,
    feature_levels=3,
    intermediates=True,
    smallest_input=(3, 224, 224),
    slim=Cut({}, (3, 56, 56), 1_000_000),
)
CASE = Case("tower", EVA.model)
PAIR = Pair(transformers="5.0.0rc1", timm="1.0.22", **DEFAULTS.model_dump(), defaults=DEFAULTS)


def rule(**fields: Any) -> Rule:
    rest: dict[str, Any] = {} if {"models", "where"} & set(fields) else {"models": ["*"]}
    return Rule.model_validate(
        {
            "id": "x",
            "routes": ["tower"],
            "finds": [{"kind": "keys", "how": "*"}],
            "because": "x",
            "remedy": "move",
            "advice": "y",
            **rest,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({}, True),
        ({"routes": ["wrapper", "tower"]}, True),
        ({"routes": ["wrapper"]}, False),
        ({"models": ["convnext*", "eva02_*"]}, True),
        ({"models": ["EVA02*"]}, False),
        ({"where": {"non_persistent_buffers": True}}, True),
        ({"where": {"non_persistent_buffers": False}}, False),
        ({"where": {"gamma_keys": True}}, False),
        ({"where": {"gamma_keys": False}}, True),
        ({"where": {"non_persistent_buffers": 2}}, True),
        ({"where": {"non_persistent_buffers": 1}}, False),
        ({"where": {"non_persistent_buffers": [1, 2]}}, True),
        ({"where": {"family": "*.eva"}}, True),
        ({"where": {"family": ["*.beit", "*.vit"]}}, False),
        ({"where": {"input_size": 224, "layer_scale": False}}, True),
        ({"where": {"input_size": 224, "layer_scale": True}}, False),
        ({"transformers": ">=4.57"}, True),
        ({"transformers": ">=5.0"}, False),
        ({"timm": "<=1.0.22"}, True),
        ({"timm": ">1.0.22"}, False),
        ({"transformers": ">=4.57", "timm": "<1.0.22"}, False),
        ({"torch": ">=2.13"}, True),
        ({"torch": "<2.13"}, False),
        ({"lanes": ["cpu-float32"]}, True),
        ({"lanes": ["cuda-float32"]}, False),
        ({"variants": ["safetensors"]}, True),
        ({"sizes": ["slim"]}, True),
        ({"sizes": ["full"]}, False),
    ],
    ids=str,
)
def test_a_rule_applies_where_all_it_mentions_agrees(fields: dict[str, Any], *, applies: bool) -> None:
    one = rule(**fields)
    of_pair = covers_releases(one, PAIR.transformers, PAIR.timm, PAIR.torch)
    assert (of_pair and applies_to(one, CASE, "cpu-float32", EVA)) is applies


def test_a_rule_can_ask_for_every_trait_of_the_catalog() -> None:
    assert set(TRAITS) == set(EVA.traits)


def test_a_rule_keeps_its_date(write: Write, matrix_text: str) -> None:
    text = matrix_text.replace("advice: upgrade", "advice: upgrade\n    until: 2027-01-31")
    assert matrix.load(write(text)).expectations[0].until == date(2027, 1, 31)


@pytest.mark.parametrize(
    ("route", "variant", "having"),
    [
        ("tower", "model-args", "sharded, bin, low-cpu-mem, device-map, named, half"),
        ("hub", "bin", "none"),
        ("roundtrip", "sharded", "low-cpu-mem, device-map"),
    ],
)
def test_a_variant_that_would_change_nothing_is_refused(
    write: Write, matrix_text: str, route: str, variant: str, having: str
) -> None:
    line = f"  {route}: {{models: quick, variants: [{variant}]}}"
    path = write(matrix_text.replace("  tower: {models: quick}", line))
    assert refusal(path).splitlines()[0] == (
        f"matrix.yaml: routes: {route}: {variant} would change nothing that this route does; it has {having}"
    )


def test_a_rule_of_models_goes_by_what_the_model_is_and_not_only_by_what_it_is_called() -> None:
    assert applies_to(rule(models=[EVA.model]), Case("tower", "mine"), "cpu-float32", EVA)
    assert not applies_to(rule(models=["vit_*"]), Case("tower", "mine"), "cpu-float32", EVA)


@pytest.mark.parametrize(
    ("route", "folder", "applies"),
    [("wrapper", True, True), ("wrapper", False, False), ("tower", True, False), ("hub", False, True)],
)
def test_a_rule_of_what_timm_writes_applies_to_a_folder_that_a_route_reads(
    route: str, *, folder: bool, applies: bool
) -> None:
    assert applies_to(rule(routes=["hub"]), Case(route, EVA.model), "cpu-float32", EVA, folder=folder) is applies
