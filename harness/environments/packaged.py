"""What the package has of a timm release, and making it: its catalog, and its fingerprints."""

from ..contract import catalog as catalogs
from ..contract import fingerprints, tempdirs
from . import catalog_history
from .pair_environment import PairEnvironment, PairPython


def has(timm: str) -> bool:
    """Whether the package has the catalog and the fingerprints of a timm release."""
    prints = catalogs.path_in(fingerprints.PACKAGED, timm)
    return timm in catalog_history.releases() and prints.is_file()


def make(environment: PairEnvironment, python: PairPython) -> None:
    """Make the catalog of the installed timm in the package, and fingerprints if the matrix names that timm.

    Raises as the methods that make them do, and BadInput for a history of catalogs that was cut or edited.
    """
    timm = environment.pair.timm
    with tempdirs.folder("catalogs") as folder:
        catalog_history.add(environment.make_catalog(python, folder))
        if any(pair.timm == timm for pair in environment.matrix.pairs):
            for path in fingerprints.paths(timm, fingerprints.PACKAGED):
                if older := catalog_history.read(path.stem.removeprefix("timm-")):
                    (folder / path.name).write_text(catalogs.dumps(older))
            environment.make_fingerprints(python, fingerprints.PACKAGED, folder)
