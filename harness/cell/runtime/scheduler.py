"""How pytest-xdist hands out cases: those of one model to one worker, and one that killed its worker once more."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from xdist.scheduler import LoadScopeScheduling

ENOUGH: Final = 2  # a worker holds its last case back until it has another, or knows that there is none


class ModelScheduling(LoadScopeScheduling):
    """pytest-xdist's, made safe for workers that die. `again` says of a case that was running whether to try it again.

    `model_of` says of a test's id which tests share a worker. (pytest-xdist's own groups, 3.8.0, change an id in a way
    that pytest 9.2 does not see.) Its own scheduler hands a case whose worker died out without end. It waits for ever
    where a second worker dies while the successor of the first is still starting, for it loses what it was about to
    hand out; and where a successor's first share is a single case. It fails where a worker dies before all have said
    which cases they know, and where it has shut one down that it never heard of.
    """

    collection: list[str] | None

    def __init__(self, config: Any, log: Any, again: Callable[[str], bool], model_of: Callable[[str], str]) -> None:
        super().__init__(config, log)
        self.again = again
        self.model_of = model_of

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:
        """Which cases a worker knows. One that was shut down before it was ready says so too."""
        if node in self.assigned_work:
            super().add_node_collection(node, collection)

    def schedule(self) -> None:
        """Hand out work: a first model to each worker that is ready, then more."""
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
        """What the dead worker was running, as pytest-xdist asks; the rest of its cases wait for another worker."""
        workload = self.assigned_work.pop(node)
        left = ((unit, case) for unit in workload.values() for case, done in unit.items() if not done)
        running: tuple[dict[str, bool], str] | None = next(left, None)
        if running is None:
            return None
        unit, case = running
        unit[case] = not self.again(case)
        self.workqueue.update({scope: unit for scope, unit in workload.items() if not all(unit.values())})
        for other in list(self.assigned_work):
            self._reschedule(other)
        return case

    def _split_scope(self, nodeid: str) -> str:
        return self.model_of(nodeid)

    def _reschedule(self, node: Any) -> None:
        """Work enough for a worker that has said which cases it knows; one that is still starting gets it then."""
        if node not in self.registered_collections:
            return
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) <= ENOUGH:
            if not self.workqueue:
                node.shutdown()
                return
            if not self._assign_work_unit(node):
                return

    def _assign_work_unit(self, node: Any) -> bool:
        """Send a worker the cases of one model; whether it could be reached. One that is gone is soon replaced."""
        scope = next(iter(self.workqueue))
        try:
            super()._assign_work_unit(node)
        except OSError:
            self.workqueue[scope] = self.assigned_work[node].pop(scope)
            self.workqueue.move_to_end(scope, last=False)
            return False
        return True
