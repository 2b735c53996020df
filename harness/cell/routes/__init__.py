"""The roads, by name. To add one: a file with a class of the protocol in `road`, and a line here."""

from collections.abc import Mapping
from typing import Final

from harness.cell.routes.backbone import Backbone
from harness.cell.routes.classifier import Classifier
from harness.cell.routes.road import Route
from harness.cell.routes.tower import TowerRoute
from harness.cell.routes.wrapper import Wrapper

ROUTES: Final[Mapping[str, Route]] = {
    route.name: route for route in (Wrapper(), Classifier(), Backbone(), TowerRoute())
}
