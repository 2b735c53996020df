"""The folder of a pair's environment: made from nothing, complete once its marker is there, locked while it is in use.

The folder is named for the pair and for what is installed in it, so that no run replaces the environment of another.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

MARKER: Final = "complete.json"
"""The file in an environment that is written last."""
LOCK: Final = ".lock"
"""The suffix of the file beside an environment that is locked while something is installed or runs there."""
DIGITS: Final = 8
UNUSED: Final = 30 * 24 * 3600  # seconds until an environment that nothing uses is removed
ROOM: Final = 10 * 2**30  # bytes that should be free before another environment is made


@dataclass(frozen=True)
class PairFolder:
    """The folder `path` of one environment."""

    path: Path

    @classmethod
    def of(cls, root: Path, pair: str, python: str, resolved: str) -> "PairFolder":
        """The folder below `root` of a pair with this Python and this content of a requirements file."""
        digest = hashlib.sha256(f"{python}\n{resolved}".encode()).hexdigest()[:DIGITS]
        return cls(root / f"{pair}-{digest}")

    @property
    def interpreter(self) -> Path:
        """The environment's Python."""
        return self.path / "bin" / "python"

    @property
    def is_complete(self) -> bool:
        """Whether the environment was installed to its end and verified."""
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            return bool(self.packages)
        return False

    @property
    def packages(self) -> Mapping[str, str]:
        """The version of each package that was installed, and of Python, as the marker has them."""
        packages: Mapping[str, str] = json.loads((self.path / MARKER).read_text())["packages"]
        return packages

    def complete(self, pair: str, packages: Mapping[str, str]) -> None:
        """Write the marker, with the version of each package."""
        draft = self.path / f"{MARKER}.draft"
        with draft.open("w") as file:
            json.dump({"pair": pair, "packages": packages}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.path / MARKER)

    def remove(self) -> None:
        """Remove the environment, the marker first, so that one that is half removed is not taken for complete."""
        (self.path / MARKER).unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def held(self, make: Callable[[], None], waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the environment, shared with other runs; `make` is called first, alone, if it is not complete.

        `waiting` is called before waiting for another run that makes it.
        """
        while True:
            with self._locked(fcntl.LOCK_SH, waiting) as lock:
                if self.is_complete:
                    os.utime(lock.fileno())  # when it was last used
                    yield
                    return
            with self._locked(fcntl.LOCK_EX, waiting):
                if not self.is_complete:
                    self.remove()
                    make()

    def make_again(self, make: Callable[[], None]) -> bool:
        """Remove the environment and call `make`, unless another run uses it; whether it was made again."""
        with self._taken_if_free() as is_free:
            if is_free:
                self.remove()
                make()
            return is_free

    def remove_if_free(self) -> bool:
        """Remove the environment and its lock, unless something runs in it; whether it was removed."""
        with self._taken_if_free() as is_free:
            if is_free:
                self.remove()
                self._lock.unlink(missing_ok=True)
            return is_free

    @property
    def last_used(self) -> float:
        """When it was last used, in seconds since the epoch."""
        try:
            return self._lock.stat().st_mtime
        except FileNotFoundError:
            return self.path.stat().st_mtime if self.path.is_dir() else time.time()

    @property
    def _lock(self) -> Path:
        return self.path.with_name(self.path.name + LOCK)

    @contextlib.contextmanager
    def _locked(self, kind: int, waiting: Callable[[], None]) -> Iterator[IO[bytes]]:
        """Hold the lock, waiting for it if need be."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with self._lock.open("ab") as file:
                try:
                    fcntl.flock(file, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    waiting()
                    fcntl.flock(file, kind)
                if self._is_current(file):
                    yield file
                    return

    @contextlib.contextmanager
    def _taken_if_free(self) -> Iterator[bool]:
        """Hold the lock alone, if nobody else holds it."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with self._lock.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield self._is_current(file)

    def _is_current(self, file: IO[bytes]) -> bool:
        """Whether the locked file is still the one beside the environment: it is removed with it."""
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._lock.stat())
        except FileNotFoundError:
            return False


@contextlib.contextmanager
def draft(root: Path) -> Iterator[Path]:
    """A temporary folder among the environments; one that a killed run leaves is cleaned as they are."""
    folder = PairFolder(root / f"resolved-{secrets.token_hex(8)}")
    with folder._locked(fcntl.LOCK_SH, lambda: None):  # noqa: SLF001 - this module's
        folder.path.mkdir()
        try:
            yield folder.path
        finally:
            folder.remove()
            folder._lock.unlink()  # noqa: SLF001 - as above


def all_in(root: Path) -> list[PairFolder]:
    """The environments below a folder, longest unused first, those without a lock file too."""
    names = {path.name.removesuffix(LOCK) for path in root.iterdir()} if root.is_dir() else set()
    return sorted((PairFolder(root / name) for name in names), key=lambda folder: folder.last_used)


def clean(root: Path, older_than: float = 0.0) -> tuple[list[str], list[str]]:
    """Remove environments not used for `older_than` seconds; the names of those removed, and of those in use."""
    removed: list[str] = []
    held: list[str] = []
    for folder in all_in(root):
        if time.time() - folder.last_used >= older_than:
            (removed if folder.remove_if_free() else held).append(folder.path.name)
    return removed, held


def make_room(root: Path) -> list[str]:
    """Remove environments unused for a month, and the longest unused ones if disk is short; their names."""
    removed, _ = clean(root, UNUSED)
    for folder in all_in(root):
        if shutil.disk_usage(root).free >= ROOM:
            break
        if folder.remove_if_free():
            removed.append(folder.path.name)
    return removed
