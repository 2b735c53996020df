"""The result of a case that ran in the user's environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..cell.compare.reasons import DAMAGED
from ..contract.case import GREEN, SKIPPED, Case, Outcome
from ..contract.catalog import Entry
from ..contract.finding import ScenarioLine, scenarios_of
from ..contract.matching import applies_to
from ..contract.record import CaseLine

LANE: Final = "cpu-float32"


@dataclass(frozen=True)
class CaseResult:
    """The result of a case that ran here."""

    case: Case
    entry: Entry
    line: CaseLine
    folder: bool = False
    """Whether the checkpoint is a user's folder, as timm writes it for the hub."""

    @property
    def green(self) -> bool:
        """Whether the case passed."""
        return self.line.outcome in GREEN

    @property
    def broken(self) -> bool:
        """Whether the case failed."""
        return self.line.outcome not in GREEN | SKIPPED

    @property
    def not_run(self) -> bool:
        """Whether this machine could not run the case."""
        return self.line.outcome == Outcome.NOT_RUN

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the case; without a child process it is the user's."""
        errors = [self.line.detail.get("error"), *self.line.detail.get("errors", ())]
        return any(error["type"] == KeyboardInterrupt.__name__ for error in errors if error)

    @property
    def scenarios(self) -> Sequence[ScenarioLine]:
        """The scenarios that ran, or the case as one."""
        return scenarios_of(self.line.fields)

    @property
    def damage(self) -> Sequence[str]:
        """The damage in checkpoint files, which no release can repair."""
        return [error["message"] for error in self._errors if error["type"] == DAMAGED]

    @property
    def is_only_damaged(self) -> bool:
        """Whether nothing but damage in the files was found."""
        errors = self._errors
        return self.line.outcome == Outcome.ERROR and bool(errors) and len(self.damage) == len(errors)

    @property
    def _errors(self) -> Sequence[Mapping[str, Any]]:
        detail = self.line.detail
        errors: Sequence[Mapping[str, Any]] = detail.get("errors") or [detail["error"]] if "error" in detail else ()
        return errors

    def is_under(self, rule: Any) -> bool:
        """Whether a rule applies to the case, its releases aside."""
        return applies_to(rule, self.case, LANE, self.entry, folder=self.folder)
