"""Takes in what wrecks cases, for the tests that ask for it."""

import os

from tests.pairs import saboteur

if saboteur.SABOTAGE in os.environ:
    pytest_runtest_setup = saboteur.pytest_runtest_setup
