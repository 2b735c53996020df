"""Sends inputs as they should not be through every door, for some minutes: `nox -s tests -- --fuzz MINUTES`.

Each has to be taken, or refused in a sentence with exit code 2, within ten seconds and a GiB, and without a traceback.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from harness.config.option_parser import whole
from tests.fuzz.doors import DOORS
from tests.fuzz.sending import FAILURES, HEAD, send

MOST_MIB: Final = 1_024


def main(argv: Sequence[str]) -> int:
    """The exit code: 1 if an input failed, or a door took more memory than it may."""
    parser = argparse.ArgumentParser(prog="nox -s tests --", description=__doc__)
    parser.add_argument("--fuzz", type=whole(1, 1_440, "minutes"), required=True, metavar="MINUTES")
    parser.add_argument("--seed", type=whole(0, 10**9, "a seed"), default=1, help="another one sends other inputs")
    options = parser.parse_args(argv)
    until = time.time() + 60 * options.fuzz
    sys.stdout.write(f"{len(DOORS)} doors, {options.fuzz} min each beside the others, seed {options.seed}\n{HEAD}\n")
    with ProcessPoolExecutor(len(DOORS), multiprocessing.get_context("spawn")) as pool:
        sent = [pool.submit(send, number, until, 1_000 * options.seed) for number in range(len(DOORS))]
        tallies = [future.result() for future in sent]
    for tally in tallies:
        sys.stdout.write(f"{tally.line}\n")
    for tally in tallies:
        for failure, value in tally.failures:
            sys.stdout.write(f"\n{tally.door}: {failure}\nfrom {value}\n")
    failed = sum(tally.counts[kind] for tally in tallies for kind in FAILURES)
    return int(failed > 0 or max(tally.peak for tally in tallies) > MOST_MIB)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
