import shlex
from pathlib import Path

import pytest

from harness.commands import run_arguments
from harness.config.errors import BadInput
from harness.config.matrix import Matrix, Route
from harness.config.option_parser import typed_in
from harness.config.options import Options, as_words
from harness.contract.catalog import Catalog
from harness.planning.option_checks import check
from tests.arguments import parse


def refusal(*argv: str, session: str = "matrix") -> str:
    with pytest.raises(BadInput) as caught:
        parse(argv, session=session)
    return str(caught.value)


def test_nothing_given_restricts_nothing() -> None:
    assert parse([]) == Options()


def test_lists_add_up() -> None:
    words = (
        "--route tower --route wrapper --model eva* --size slim --size full --variant bin --variant sharded "
        "--quick --workers 4 --results out"
    )
    assert parse(shlex.split(words)) == Options(
        routes=("tower", "wrapper"),
        models=("eva*",),
        sizes=("slim", "full"),
        variants=("bin", "sharded"),
        quick=True,
        workers=4,
        results=Path("out"),
    )


@pytest.mark.parametrize("name", ["5.23.0,1.0.31", "5.23.0, 1.0.31", "transformers5.23.0-timm1.0.31"])
def test_a_pair_of_the_matrix_is_named_by_its_releases_or_its_id(name: str) -> None:
    assert parse(["--pair", name]) == Options(pairs=("transformers5.23.0-timm1.0.31",))


def test_a_pair_session_takes_releases_before_between_and_after_options() -> None:
    releases = ("transformers==5.8.1", "timm==1.0.26")
    assert parse([releases[0], "--quick", releases[1]], session="pair") == Options(
        requirements=releases, quick=True, sizes=("narrow",)
    )
    assert parse([*releases, "--quick"], session="pair") == Options(
        requirements=releases, quick=True, sizes=("narrow",)
    )
    assert parse(["--quick", *releases], session="pair") == Options(
        requirements=releases, quick=True, sizes=("narrow",)
    )


def test_help_says_what_there_is_and_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for option in ("pair", "lane", "route", "model", "size", "variant", "workers", "matrix", "results"):
        assert f"--{option} " in out
    assert "--quick" in out
    assert "--rerun" in out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--rout", "tower"], "unknown option '--rout', did you mean '--route'?; --help lists the options"),
        (["--route"], "argument --route: expected one argument; --help lists the options"),
        (
            ["--workers", "0"],
            "argument --workers: '0' is no number of processes; give 1 to 1,024; --help lists the options",
        ),
        (
            ["timm==1.0.26"],
            "unexpected 'timm==1.0.26'; releases are named with nox -s pair, parts with --route, --model",
        ),
    ],
    ids=["unknown", "no value", "no number", "release"],
)
def test_words_that_cannot_be_read_are_refused(argv: list[str], message: str) -> None:
    assert refusal(*argv) == message


def test_a_pair_session_takes_no_pair_of_the_matrix() -> None:
    found = refusal("--pair", "transformers5.23.0-timm1.0.31", "timm==1.0.26", session="pair")
    assert found == "unknown option '--pair', did you mean '--part'?; --help lists the options"


def test_a_pair_session_wants_releases() -> None:
    assert refusal("--quick", session="pair") == (
        "the following arguments are required: PACKAGE==VERSION; --help lists the options"
    )


def test_names_that_exist_are_accepted(small_matrix: Matrix, small_catalog: Catalog) -> None:
    words = "--pair transformers5.23.0-timm1.0.31 --lane cuda-float32 --route tower --model *tiny --model resnet18"
    check(parse(shlex.split(words)), small_matrix, [small_catalog])


def test_all_names_that_match_nothing_are_refused_at_once(small_matrix: Matrix, small_catalog: Catalog) -> None:
    words = (
        "--pair transformers5.23.0-timm1.0.30 --lane cpu-bfloat16 --route backbone --size ful --variant zip "
        "--model 'eva02_tiniest*' --model zzz --model regnetx_002"
    )
    options = parse(shlex.split(words))
    with pytest.raises(BadInput) as caught:
        check(options, small_matrix, [small_catalog])
    assert str(caught.value).splitlines() == [
        "--pair: unknown pair 'transformers5.23.0-timm1.0.30', did you mean 'transformers5.23.0-timm1.0.31'?",
        "--lane: unknown lane 'cpu-bfloat16'; there is cpu-float32, cuda-float32",
        "--route: unknown route 'backbone'; there is wrapper, tower",
        "--size: unknown size 'ful', did you mean 'full'?",
        (
            "--variant: unknown variant 'zip'; there is "
            "safetensors, sharded, bin, low-cpu-mem, device-map, named, model-args, half, attention"
        ),
        "--model: 'eva02_tiniest*' matches none of 4 models of timm 1.0.31; the nearest: eva02_tiny, eva02_large",
        "--model: 'zzz' matches none of 4 models of timm 1.0.31",
        "--model: 'regnetx_002' matches none of 4 models of timm 1.0.31; the nearest: resnet18, convnext_atto",
    ]


def test_a_model_of_any_catalog_can_be_named(small_matrix: Matrix, small_catalog: Catalog) -> None:
    older = Catalog("1.0.14", 1100, (), small_catalog.entries[2:])
    check(parse(["--model", "eva*"]), small_matrix, [older, small_catalog])
    with pytest.raises(BadInput, match=r"none of 2 models of timm 1\.0\.14"):
        check(parse(["--model", "eva*"]), small_matrix, [older])


def test_a_control_that_no_timm_has_is_refused(small_matrix: Matrix, small_catalog: Catalog) -> None:
    without = Catalog("1.0.31", 1371, (), small_catalog.entries[:3])
    with pytest.raises(BadInput) as caught:
        check(Options(), small_matrix, [without])
    assert str(caught.value) == "matrix.yaml: models.controls[0]: no 'resnet18' in timm 1.0.31; name a model that is"


@pytest.fixture
def with_bert(small_matrix: Matrix) -> Matrix:
    """The small matrix, and the route in which there is no model of timm's."""
    return small_matrix.model_copy(
        update={"routes": {**small_matrix.routes, "legacy-layernorm": Route(models=("bert",))}}
    )


def test_the_model_that_is_none_of_timms_can_be_named_where_its_route_is(
    small_matrix: Matrix, with_bert: Matrix, small_catalog: Catalog
) -> None:
    options = parse(["--model", "bert"])
    check(options, with_bert, [small_catalog])
    with pytest.raises(BadInput) as caught:
        check(options, small_matrix, [small_catalog])
    assert str(caught.value) == "--model: 'bert' matches none of 4 models of timm 1.0.31; the nearest: resnet18"


def test_the_model_that_is_none_of_timms_is_near_but_not_counted_among_timms(
    with_bert: Matrix, small_catalog: Catalog
) -> None:
    with pytest.raises(BadInput) as caught:
        check(parse(["--model", "brt"]), with_bert, [small_catalog])
    assert str(caught.value) == "--model: 'brt' matches none of 4 models of timm 1.0.31; the nearest: bert, resnet18"


def test_the_model_that_is_none_of_timms_is_no_control(with_bert: Matrix, small_catalog: Catalog) -> None:
    both = with_bert.models.model_copy(update={"controls": ("resnet18", "bert")})
    with pytest.raises(BadInput) as caught:
        check(Options(), with_bert.model_copy(update={"models": both}), [small_catalog])
    assert str(caught.value) == ("matrix.yaml: models.controls[1]: no 'bert' in timm 1.0.31; name a model that is")


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--config", "{}"], "--config and --class say how to make what --own names; name it"),
        (["--class", "a:B"], "--config and --class say how to make what --own names; name it"),
        (["--own", "nowhere"], "--own: nowhere: there is no such folder; a model reads package.module:Name"),
        (["--own", "a:B", "--class", "a:C"], "--own is one model as it is; leave out --class"),
        (["--own", "a:B", "--size", "full", "--quick"], "--own is one model as it is; leave out --size, --quick"),
        (["--weights", "hub", "--size", "slim"], "--weights hub is at full size; leave out --size"),
        (["--weights", "hub", "--variant", "bin"], "--weights hub is stored as it is; leave out --variant"),
        (
            ["--weights", "hub", "--own", "a:B"],
            "--own is one model as it is; leave out --size\n--weights hub is of timm's models; leave out --own",
        ),
        (["--on", "h:1", "--own", "a:B"], "--on: the workers have not got what --own names; leave one of them out"),
        (["--on", "h:1", "--part", "1/2"], "--on divides the models itself; leave --part out"),
    ],
    ids=[
        *("configuration alone", "class alone", "no folder", "class of a class", "sizes"),
        *("hub and size", "hub and variant", "hub and own", "cluster and own", "cluster and parts"),
    ],
)
def test_what_does_not_go_together_is_refused(
    argv: list[str], problem: str, small_matrix: Matrix, small_catalog: Catalog
) -> None:
    arguments = run_arguments.parse(argv)
    with pytest.raises(BadInput) as caught:
        check(arguments.options, small_matrix, [small_catalog], arguments.problems)
    assert str(caught.value) == problem


def test_the_hubs_weights_are_at_full_size() -> None:
    assert parse(["--weights", "hub"]).sizes == ("full",)
    assert parse(["--weights", "synthetic"]).sizes == parse([]).sizes == ("slim",)


def test_quick_is_narrow_unless_a_size_is_asked_for() -> None:
    assert parse(["--quick"]).sizes == ("narrow",)
    assert parse(["--quick", "--size", "slim"]).sizes == ("slim",)
    assert parse(["--quick", "--weights", "hub"]).sizes == ("full",)


@pytest.mark.parametrize("size", [[], ["--size", "narrow"], ["--size", "slim"], ["--size", "narrow", "--size", "full"]])
@pytest.mark.parametrize("quick", [[], ["--quick"]])
def test_options_as_words_are_read_as_the_same_options(quick: list[str], size: list[str]) -> None:
    options = parse([*quick, *size])
    assert parse(as_words(options)) == options
    assert as_words(parse(["--weights", "hub"])) == ["--weights", "hub", "--size", "full"]


def test_a_route_on_which_the_harness_writes_the_checkpoint_takes_none_of_the_hub(
    small_matrix: Matrix, small_catalog: Catalog
) -> None:
    hub = Route(models="every")
    with_hub = small_matrix.model_copy(update={"routes": {**small_matrix.routes, "hub": hub}})
    with pytest.raises(BadInput, match=r"^--route hub: is about what is written here; with --weights hub there is wra"):
        check(parse(["--weights", "hub", "--route", "hub"]), with_hub, [small_catalog])


@pytest.mark.parametrize("address", ["host", "host:", ":8786", "host:port"])
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(
        BadInput, match=r"is no address; that of a scheduler reads HOST:PORT; --help lists the options$"
    ):
        parse(["--on", address])


def test_a_folder_of_ones_own_is_meant_where_it_was_typed(tmp_path: Path) -> None:
    assert typed_in(tmp_path, parse(["--own", "kept"])).own == str(tmp_path / "kept")
    assert typed_in(tmp_path, parse(["--own", "a.b:C"])).own == "a.b:C"
    assert typed_in(tmp_path, parse([])).own is None


@pytest.mark.parametrize("number", ["1025", "1000000", "9" * 5_000, "0", "-1", "1e3", "²", "٣", "inf", ""])
def test_a_number_out_of_bounds_is_one_error_that_gives_them(number: str) -> None:
    told = refusal(f"--workers={number}")
    assert f"{number[:40]!r} is no number of processes; give 1 to 1,024" in told
    assert len(told) < 200


@pytest.mark.parametrize("part", ["9" * 5_000 + "/2", "1/" + "9" * 5_000, "²/³", "2/1", "0/1", "/", "1/2/3"])
def test_a_part_that_is_none_is_refused(part: str) -> None:
    assert "is no part; the second of four reads 2/4" in refusal("--part", part)


def test_a_model_that_is_a_link_to_itself_keeps_its_name(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert typed_in(tmp_path, Options(own="./loop/x")).own == f"{tmp_path}/loop/x"
