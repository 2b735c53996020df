"""One pair tried for a question: what is not recorded is run, and what is recorded is judged."""

from collections.abc import Sequence

from ..config.errors import BadInput
from ..contract.case import Size
from ..environments import lock
from ..environments.environment import Environment, Say
from ..execution.pair_run import PairRun
from ..planning import device, option_checks
from ..results import store, verdicts
from ..results.judging import Judged


def check(ends: Sequence[PairRun]) -> None:
    """What can be known of a question's two ends before anything is installed. Raises BadInput."""
    check_names(ends)
    lock.refuse_bad(pair_run.pair for pair_run in ends)
    options = ends[0].options
    device.refuse_missing(options.lanes)
    store.refuse_unwritable(options.results)


def check_names(ends: Sequence[PairRun]) -> None:
    """Whether there is what a question's options name. Raises BadInput."""
    options, described = ends[0].options, ends[0].matrix
    if Size.NARROW in options.sizes:
        raise BadInput(f"--size {Size.NARROW}: each release of timm has narrow models of its own; leave it out")
    catalogs = [catalog for pair_run in ends if (catalog := pair_run.records.catalog()) and catalog.has_controls]
    option_checks.check(options, described, catalogs if len(catalogs) == len(ends) else [])


def tried(pair_run: PairRun, environment: Environment, say: Say) -> list[Judged]:
    """Raises InstallationError, after recording it, and BadInput for a release that does not exist."""
    pair_run.run(pair_run.prepare(environment, say), environment, say)
    return verdicts.judged([pair_run.records])
