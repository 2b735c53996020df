"""What full-size cases need is known before they start, and what does not fit is named with its GiB."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.lane import Lane
from harness.config.matrix import Limits
from harness.contract.case import Case, Size
from harness.contract.catalog import Catalog
from harness.planning import capacity
from harness.planning.capacity import GIB, Needs, Room
from tests.small_matrix import entry
from tests.summaries import NEW, OLD, pair

FLOAT32, BFLOAT16 = Lane("cpu-float32", "every"), Lane("cpu-bfloat16", "every")
LARGE, HUGE = "vit_large", "vit_huge"
CATALOG = Catalog("1.0.31", 3, (), (entry(LARGE, slim=GIB // 40), entry(HUGE, slim=GIB), entry("small", slim=1)))
"""1, 40 and nearly no GiB in float32."""
VERSIONS = ("4.57.6", "5.0.0.dev0+abc", "5.0.0", "5.24.0.dev0+abc")
UNLIMITED = Limits(seconds=300)

Free = Callable[[float, float], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Sets what the machine has."""
    return lambda memory, disk: monkeypatch.setattr(capacity, "shared", lambda: Room(memory, disk))


def needed(route: str, model: str = LARGE, lane: Lane = FLOAT32, of: str = NEW, variant: str = "safetensors") -> Room:
    return Needs(CATALOG, lane, pair(of)).of(Case(route, model, variant, Size.FULL))


def unfit(cases: list[Case], limits: Limits = UNLIMITED) -> dict[str, str]:
    found = Needs(CATALOG, FLOAT32, pair(NEW)).unfit(cases, limits)
    return {case.id: why for case, why in found.items()}


def test_what_is_mapped_takes_next_to_no_memory_and_what_is_saved_takes_disk() -> None:
    assert needed("wrapper").figures == pytest.approx((3.4, 1), abs=0.01)
    assert needed("tower").figures == pytest.approx((3.4, 2), abs=0.01)


@pytest.mark.parametrize(
    "more",
    [
        lambda: needed("wrapper", lane=BFLOAT16),
        lambda: needed("wrapper", of=OLD),
        lambda: needed("wrapper", variant="bin"),
        lambda: needed("backbone-pretrained"),
        lambda: Needs(CATALOG, FLOAT32, pair(NEW), from_hub=True).of(Case("wrapper", LARGE, size=Size.FULL)),
    ],
    ids=[
        "half precision is no file's",
        "transformers 4 maps nothing",
        "another variant",
        "what keeps several models",
        "timm reads the hub's",
    ],
)
def test_what_holds_more_needs_more(more: Callable[[], Room]) -> None:
    assert more().memory > needed("wrapper").memory + 0.4


def test_only_transformers_own_files_are_in_shards() -> None:
    assert needed("tower", HUGE).memory < 12
    assert needed("roundtrip", HUGE).memory > 40


def test_what_does_not_fit_is_told_with_its_gib(free: Free) -> None:
    free(22, 100)
    cases = [
        Case("tower", HUGE, size=Size.FULL),
        Case("roundtrip", HUGE, size=Size.FULL),
        Case("tower", LARGE, size=Size.FULL),
    ]
    assert unfit(cases) == {"roundtrip/vit_huge+full": "needs 51 GiB of memory, and 22 GiB are free"}
    free(64, 50)
    assert unfit(cases)["tower/vit_huge+full"] == "needs 80 GiB of disk, and 50 GiB are free"


def test_a_limit_that_is_lower_says_so(free: Free) -> None:
    free(100, 1000)
    limits = Limits(seconds=300, memory_gib=16, disk_gib=64.5)
    cases = [Case("roundtrip", HUGE, size=Size.FULL), Case("tower", HUGE, size=Size.FULL)]
    assert unfit(cases, limits) == {
        "roundtrip/vit_huge+full": "needs 51 GiB of memory, and limits.memory_gib is 16",
        "tower/vit_huge+full": "needs 80 GiB of disk, and limits.disk_gib is 64.5",
    }


def test_on_a_gpu_both_models_must_fit_in_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "shared", lambda: Room(100, 1000, 24))
    cases = [Case("wrapper", HUGE, size=Size.FULL), Case("wrapper", LARGE, size=Size.FULL)]
    for lane, gib in ((Lane("cuda-float32", "every"), 82), (Lane("cuda-float16", "every"), 42)):
        found = Needs(CATALOG, lane, pair(NEW)).unfit(cases, UNLIMITED)
        assert {case.id: why for case, why in found.items()} == {
            "wrapper/vit_huge+full": f"needs {gib} GiB of GPU memory, and 24 GiB are there"
        }


@pytest.mark.parametrize(
    ("gibs", "gpu"),
    [([0.0], float("inf")), ([24.0, 0.0], 24), ([80.0, 24.0], 24), ([], 0)],
    ids=["not told", "told of one alone", "the smallest", "no GPU"],
)
def test_a_gpu_whose_driver_does_not_tell_its_memory_has_enough(
    monkeypatch: pytest.MonkeyPatch, gibs: list[float], gpu: float
) -> None:
    monkeypatch.setattr(capacity, "cuda_gibs", lambda: gibs)
    assert capacity.shared().gpu == gpu


def test_on_a_gpu_of_unknown_memory_every_case_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "cuda_gibs", lambda: [0.0])
    gpu = capacity.shared().gpu
    monkeypatch.setattr(capacity, "shared", lambda: Room(100, 1000, gpu))
    needs = Needs(CATALOG, Lane("cuda-float32", "every"), pair(NEW))
    assert needs.unfit([Case("wrapper", HUGE, size=Size.FULL)], UNLIMITED) == {}


def test_of_a_slim_case_nobody_asks(free: Free) -> None:
    free(0, 0)
    assert unfit([Case("roundtrip", HUGE)]) == {}
    assert Needs(CATALOG, FLOAT32, pair(NEW)).by_model([Case("roundtrip", HUGE)]) == {}


def test_a_model_needs_what_the_largest_of_its_cases_does() -> None:
    cases = [
        Case("backbone-pretrained", LARGE, size=Size.FULL),
        Case("tower", LARGE, size=Size.FULL),
        Case("tower", HUGE),
    ]
    assert Needs(CATALOG, FLOAT32, pair(NEW)).by_model(cases) == {LARGE: (9.9, 2.0)}


def test_a_development_version_is_newer_than_any_release() -> None:
    found = {version: capacity._maps(pair(NEW).with_versions(transformers=version)) for version in VERSIONS}
    assert found == {"4.57.6": False, "5.0.0.dev0+abc": True, "5.0.0": True, "5.24.0.dev0+abc": True}


def test_a_container_has_what_is_left_of_its_own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "CGROUP", tmp_path)
    assert capacity._left_in_container() == float("inf")
    (tmp_path / "memory.max").write_text("max\n")
    assert capacity._left_in_container() == float("inf")
    (tmp_path / "memory.max").write_text(f"{8 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {2 * GIB}\nfile {5 * GIB}\nshmem {GIB}\n")
    assert capacity._left_in_container() == 5 * GIB


def test_this_machine_has_something() -> None:
    room = capacity.shared()
    assert 0 < room.memory < 10_000
    assert room.disk > 0


FULL_SIZE = Case("wrapper", LARGE, size=Size.FULL)
FIGURES = {
    "as its row says": (lambda: needed("wrapper"), (3.4, 1)),
    "what it saves is written too": (lambda: needed("roundtrip"), (3.4, 3)),
    "half precision": (lambda: needed("wrapper", lane=BFLOAT16), (3.9, 1.5)),
    "transformers 4": (lambda: needed("wrapper", of=OLD), (5.4, 1)),
    "another variant": (lambda: needed("wrapper", variant="bin"), (4.4, 2)),
    "the hub's": (lambda: Needs(CATALOG, FLOAT32, pair(NEW), from_hub=True).of(FULL_SIZE), (5.4, 1)),
    "one large file": (lambda: needed("roundtrip", HUGE), (3.2 + 1.2 * 40, 4 * 40)),
    "large, in shards": (lambda: needed("tower", HUGE), (3.2 + 0.2 * 40, 2 * 40)),
}


@pytest.mark.parametrize(("needs", "figures"), FIGURES.values(), ids=FIGURES)
def test_memory_and_disk_that_a_case_needs_are_these(needs: Callable[[], Room], figures: tuple[float, float]) -> None:
    assert needs().figures == pytest.approx(figures, abs=0.01)


@pytest.mark.parametrize(("params", "memory"), [(2**31, 3.2 + 0.2 * 8), (2**31 + 1, 3.2 + 1.2 * 8)], ids=["8", "more"])
def test_a_file_of_more_than_8_gib_takes_memory_as_a_whole(params: int, memory: float) -> None:
    catalog = Catalog("1.0.31", 1, (), (replace(entry(LARGE), params=params),))
    case = Case("roundtrip", LARGE, size=Size.FULL)
    assert Needs(catalog, FLOAT32, pair(NEW)).of(case).memory == pytest.approx(memory, abs=0.001)


def test_a_model_that_needs_next_to_no_disk_needs_no_more_than_that() -> None:
    case = Case("wrapper", "small", size=Size.FULL)
    assert Needs(CATALOG, FLOAT32, pair(NEW)).by_model([case]) == {"small": (3.2, 0.0)}


def test_a_case_that_needs_just_what_is_free_is_run(free: Free) -> None:
    room = needed("wrapper")
    free(room.memory, room.disk)
    assert unfit([FULL_SIZE]) == {}


def test_transformers_maps_from_the_first_version_of_5_on() -> None:
    pairs = {version: pair(NEW).with_versions(transformers=version) for version in ("4.58.0.dev0", "5.0.0.dev0")}
    memory = {version: Needs(CATALOG, FLOAT32, of).of(FULL_SIZE).figures[0] for version, of in pairs.items()}
    assert memory == {"4.58.0.dev0": 5.4, "5.0.0.dev0": 3.4}


def test_a_container_whose_system_counts_no_shared_memory_holds_what_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "CGROUP", tmp_path)
    monkeypatch.setattr(capacity, "MEMINFO", tmp_path / "none")
    (tmp_path / "memory.max").write_text(f"{8 * GIB}\n")
    (tmp_path / "memory.stat").write_text(f"anon {2 * GIB}\n")
    assert capacity.shared().memory == 6


def test_the_machine_has_less_than_its_container_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "CGROUP", tmp_path)
    monkeypatch.setattr(capacity, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "memory.max").write_text(f"{8 * GIB}\n")
    (tmp_path / "memory.stat").write_text("anon 0\n")
    (tmp_path / "meminfo").write_text(f"MemTotal: {9 * 2**20} kB\nMemAvailable:    {3 * 2**20} kB\n")
    assert capacity.shared().memory == 3
