"""Hands out cases by pytest-xdist: all cases of a model to one worker, and a case that killed its worker once more."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from xdist.scheduler import LoadScopeScheduling

ENOUGH: Final = 2  # a worker starts its last case only when it has another, or is shut down


class ModelScheduling(LoadScopeScheduling):
    """pytest-xdist's scheduler, made safe for workers that die.

    `died_at` tells whether a worker died while it ran a case, and not between two. `retry` tells whether the case at
    which a worker died runs again. `model_of` gives the model of a test's id; the
    tests of a model share a worker. (The groups of pytest-xdist 3.8.0 change an id in a way that pytest 9.2 does not
    see.) pytest-xdist's own scheduler hands out a case whose worker died without end. It waits for ever if a second
    worker dies while the successor of the first is starting, for it loses the work that it was about to hand out, or if
    a successor's first share is a single case. It fails if a worker dies before all have reported their cases, or if a
    worker that it shut down was never registered.
    """

    collection: list[str] | None

    def __init__(
        self,
        config: Any,
        log: Any,
        *,
        died_at: Callable[[str, str], bool],
        retry: Callable[[str], bool],
        model_of: Callable[[str], str],
    ) -> None:
        super().__init__(config, log)
        self.died_at = died_at
        self.retry = retry
        self.model_of = model_of

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Register the cases that a worker reports, unless it was shut down before it was ready."""
        if node in self.assigned_work:
            super().add_node_collection(node, collection)

    def schedule(self) -> None:
        """Assign a first model to each worker that is ready, then more."""
        ready = [node for node in self.nodes if node in self.registered_collections]
        if self.collection is None:
            self.collection = list(next(iter(self.registered_collections.values())))
            for case in self.collection:
                self.workqueue.setdefault(self._split_scope(case), {})[case] = False
            for node in ready[: len(self.workqueue)]:
                self._assign_work_unit(node)
        for node in ready:
            self._reschedule(node)

    def remove_node(self, node: Any) -> str | None:
        """Return the case at which the worker died, as pytest-xdist asks, and queue its other cases again.

        A worker that died between two cases blames none, and all that are left are queued again.
        """
        workload = self.assigned_work.pop(node)
        pending = ((unit, case) for unit in workload.values() for case, done in unit.items() if not done)
        running: tuple[dict[str, bool], str] | None = next(pending, None)
        if running is None:
            return None
        unit, case = running
        blamed = self.died_at(node.gateway.id, case)
        if blamed:
            unit[case] = not self.retry(case)
        self.workqueue.update({scope: unit for scope, unit in workload.items() if not all(unit.values())})
        for other in list(self.assigned_work):
            self._reschedule(other)
        return case if blamed else None

    def _split_scope(self, nodeid: str) -> str:
        return self.model_of(nodeid)

    def _reschedule(self, node: Any) -> None:
        """Assign enough work to a worker that has reported its cases; a starting worker gets it later."""
        if node not in self.registered_collections:
            return
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) <= ENOUGH:
            if not self.workqueue:
                node.shutdown()
                return
            if not self._assign_work_unit(node):
                return

    def _assign_work_unit(self, node: Any) -> bool:
        """Send a worker the cases of one model; False if it is gone and will be replaced."""
        scope = next(iter(self.workqueue))
        try:
            super()._assign_work_unit(node)
        except OSError:
            self.workqueue[scope] = self.assigned_work[node].pop(scope)
            self.workqueue.move_to_end(scope, last=False)
            return False
        return True
