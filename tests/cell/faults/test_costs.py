"""A load that costs far more than the bare work is found, and says which cost it is; a sound one never."""

import functools
import gc
import itertools
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from harness.cell.compare.costs import compare_costs, exceed_floors
from harness.cell.guards.cost import Cost, anonymous_mib, measured
from harness.cell.models.placement import Placement
from harness.cell.models.reference import ReferenceModel
from harness.cell.models.variants import VARIANTS
from harness.cell.routes import ROUTES
from harness.cell.scenarios import bare_work, run_case
from harness.cell.scenarios.context import CaseContext
from harness.cell.scenarios.protocol import Scenario
from harness.contract.case import Outcome
from harness.contract.catalog import Catalog
from harness.contract.plan import Bound, Costs
from harness.contract.record import CaseLine
from harness.doctor import shipped_matrix
from tests.cell.faults.conftest import RELEASE, TOLERANCES
from tests.cell.faults.faulty import Intercepted
from tests.cell.faults.outside import Reached, after

BOUNDS = Costs(seconds=Bound(ratio=10, floor=0.5), mib=Bound(ratio=2, floor=16))
BARE = Cost(0.7, 40.0)
READ = "is the size of the checkpoint: it is read into memory instead of mapped"
MANY = "is many times that of the bare work"
COSTLY = 3.0  # seconds of CPU time
LARGE, DEEP = "beit_base_patch16_224", "efficientformerv2_s0"  # 29 MiB; 524 tensors


class First(Intercepted):
    """A route with its first scenario alone."""

    def scenarios(self, context: CaseContext) -> Mapping[str, Scenario]:
        return dict(itertools.islice(self.route.scenarios(context).items(), 1))


Run = Callable[[str, str], CaseLine]


def read_into_memory(model: Any, _info: dict[str, Any]) -> bool:
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()
    return True


def state_dict_for_each_key(model: Any, _info: dict[str, Any]) -> bool:
    """Made anew until it has cost more than the floor, whatever the machine."""
    started, made = time.process_time(), 0
    while time.process_time() - started < COSTLY:
        made += len([model.state_dict()[name] for name in model.state_dict()])
    return made > 0


def costs_of(record: CaseLine) -> list[str]:
    """How each finding on a cost reads. Where a route is broken on this pair there are others."""
    found = (finding for scenario in record.scenarios for finding in scenario.findings)
    return [finding.how for finding in found if finding.kind == Outcome.COST]


@pytest.fixture
def run(reference: Callable[..., ReferenceModel], tmp_path: Path) -> Run:
    """Runs a case with the bounds that are shipped."""

    def case(route: str, model: str) -> CaseLine:
        tolerance, costs = TOLERANCES[torch.float32], shipped_matrix.costs()
        variant, folder = VARIANTS["safetensors"], tmp_path / "case"
        return run_case.run(First(ROUTES[route]), variant, reference(model), RELEASE, tolerance, folder, costs=costs)

    return case


@pytest.mark.parametrize(
    ("load", "found"),
    [
        pytest.param(Cost(7.4, 0.0), [], id="just within the time"),
        pytest.param(Cost(7.6, 0.0), ["CPU time"], id="beyond the time"),
        pytest.param(Cost(0.0, 95.0), [], id="just within the memory"),
        pytest.param(Cost(0.0, 97.0), ["anonymous memory"], id="beyond the memory"),
        pytest.param(Cost(9.0, 99.0), ["CPU time", "anonymous memory"], id="beyond both"),
        pytest.param(Cost(0.0, -99.0), [], id="memory that was given back"),
        pytest.param(Cost(0.0, None), [], id="memory that the system does not report"),
    ],
)
def test_a_cost_is_a_finding_beyond_its_bound(load: Cost, found: list[str]) -> None:
    assert [finding.what for finding in compare_costs(load, BARE, BOUNDS, mapped=0.0)] == found


def test_bare_work_that_gives_memory_back_lowers_no_bound() -> None:
    assert list(compare_costs(Cost(0.0, 15.0), Cost(0.0, -100.0), BOUNDS, mapped=0.0)) == []


def test_a_state_that_bare_work_has_used_is_copied_by_whoever_loads_it(
    reference: Callable[..., ReferenceModel],
) -> None:
    """torch notes `assign=True` in the metadata of a state dict, and assigns it wherever it is loaded later."""
    model = reference("test_vit2")
    bare_work.of(model, maps=True)
    module = model.create(lambda _: {}, **model.head_arguments).module
    other = timm.create_model(model.architecture, **model.head_arguments)
    other.load_state_dict(model.state)
    held = {parameter.data_ptr() for parameter in module.parameters()}
    assert held.isdisjoint(parameter.data_ptr() for parameter in other.parameters())


def test_half_precision_has_no_bare_work(reference: Callable[..., ReferenceModel]) -> None:
    assert bare_work.has_measure(reference("test_vit2"))
    assert not bare_work.has_measure(ReferenceModel(reference("test_vit2").entry, "slim", Placement("cpu", torch.half)))


def test_only_a_load_beyond_a_floor_needs_the_bare_work() -> None:
    assert not exceed_floors(Cost(0.5, 16.0), BOUNDS)
    assert exceed_floors(Cost(0.51, 0.0), BOUNDS)
    assert exceed_floors(Cost(0.0, 16.1), BOUNDS)


def test_a_finding_reads_like_a_sentence_with_its_figures_in_the_example() -> None:
    time_spent, memory = compare_costs(Cost(7.1, 412.0), Cost(0.05, 0.2), BOUNDS, mapped=400.0)
    assert time_spent.words == f"cost in loading: CPU time: {MANY} at CPU time of 7.1 s (not 0.05 s)"
    assert memory.words == f"cost in loading: anonymous memory: {READ} at anonymous memory of 412 MiB (not 0 MiB)"


@pytest.mark.parametrize(
    ("mib", "mapped", "how"),
    [(400.0, 400.0, READ), (330.0, 400.0, READ), (200.0, 400.0, MANY), (900.0, 400.0, MANY), (400.0, 0.0, MANY)],
    ids=["its size", "most of it", "half of it", "twice its size", "nothing is mapped anyway"],
)
def test_memory_of_a_checkpoints_size_is_called_read_where_it_should_be_mapped(
    mib: float, mapped: float, how: str
) -> None:
    (finding,) = compare_costs(Cost(0.0, mib), Cost(0.0, 0.0), BOUNDS, mapped)
    assert finding.how == how


def test_of_two_measurements_each_figure_counts_that_is_less() -> None:
    assert Cost(1.0, 50.0).least(Cost(2.0, 40.0)) == Cost(1.0, 40.0)
    assert Cost(1.0, None).least(Cost(0.5, 40.0)) == Cost(0.5, 40.0)
    assert Cost(1.0, None).least(Cost(0.5, None)) == Cost(0.5, None)


def test_waiting_costs_nothing_and_computing_does() -> None:
    def compute() -> None:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass

    assert measured(lambda: time.sleep(0.2))[1].seconds < 0.1
    assert measured(compute)[1].seconds > 0.15


def test_memory_that_is_held_counts_even_if_as_much_was_free() -> None:
    torch.ones(2**24).sum()  # freed, and a C library may keep it
    tensor, cost = measured(lambda: [torch.ones(2**16) for _ in range(256)])
    assert len(tensor) == 256
    assert cost.mib is not None
    assert 60 < cost.mib < 80


class Large:
    """In a cycle, which only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself, self.tensors = self, [torch.ones(2**16) for _ in range(256)]  # 64 MiB


def test_nothing_is_collected_meanwhile_for_garbage_of_before_would_hide_what_the_work_takes() -> None:
    assert measured(gc.isenabled)[0] is False
    assert gc.isenabled()


def test_garbage_that_is_left_counts_unless_it_is_collected() -> None:
    costs = [measured(lambda: Large() and None, with_garbage=counts)[1].mib for counts in (True, False)]
    gc.collect()
    assert costs == [pytest.approx(64, abs=4), pytest.approx(0, abs=2)]


def test_a_system_that_reports_no_anonymous_memory_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("harness.cell.guards.memory.STATUS", tmp_path / "status")
    assert anonymous_mib() is None
    assert measured(os.getpid)[1].mib is None


def test_bare_work_takes_no_memory_where_tensors_stay_mapped_and_that_of_the_weights_elsewhere(
    entries: Catalog,
) -> None:
    for maps, copied in ((True, 0), (False, 1)):
        model = ReferenceModel(entries[LARGE], "slim", Placement("cpu", torch.float32))
        mib = copied * 4 * sum(tensor.numel() for tensor in model.headless.state.values()) / 2**20
        bare = bare_work.of(model, maps=maps)
        assert bare is bare_work.of(model, maps=maps)
        assert bare.cost.mib == pytest.approx(mib, abs=2)
        assert 0 < bare.cost.seconds < 5


FAULTS = {
    "read into memory": (read_into_memory, LARGE, READ),
    "a state dict for each key": (state_dict_for_each_key, DEEP, MANY),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "route"),
    [
        *(("read into memory", route) for route in ("wrapper", "backbone", "tower")),
        ("a state dict for each key", "wrapper"),
        pytest.param("a state dict for each key", "tower", marks=pytest.mark.all_faults),
    ],
)
def test_a_costly_load_is_found_on_every_route_and_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, fault: str, route: str
) -> None:
    change, model, how = FAULTS[fault]
    reached = Reached()
    with monkeypatch.context() as patch:
        after(change)(patch, reached)
        record = run(route, model)
    assert reached.times > 0
    assert costs_of(record) == [how]
    assert costs_of(run(route, model)) == []


@pytest.mark.slow
def test_new_memory_for_what_a_checkpoint_lacks_is_no_cost(
    reference: Callable[..., ReferenceModel], tmp_path: Path
) -> None:
    route, variant, costs = ROUTES["tower-pretrained"], VARIANTS["safetensors"], shipped_matrix.costs()
    native, tolerance = reference("vit_base_patch16_224"), TOLERANCES[torch.float32]
    assert costs_of(run_case.run(route, variant, native, RELEASE, tolerance, tmp_path / "case", costs=costs)) == []


def test_only_the_first_load_of_a_process_may_cost_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []

    def once(_model: Any, _info: dict[str, Any]) -> bool:
        kept.append([] if kept else torch.ones(2**23))  # 32 MiB of something that is made once
        return True

    reached = Reached()
    with monkeypatch.context() as patch:
        after(once)(patch, reached)
        record = run("wrapper", LARGE)
    assert reached.times > 1
    assert costs_of(record) == []


def test_without_bounds_no_cost_is_measured(
    reference: Callable[..., ReferenceModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.cell.scenarios.context.measured", functools.partial(pytest.fail, "measured"))
    run_case.run(
        *(ROUTES["wrapper"], VARIANTS["safetensors"], reference("convnext_atto"), RELEASE),
        *(TOLERANCES[torch.float32], tmp_path / "case"),
    )
