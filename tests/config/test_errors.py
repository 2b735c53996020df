from harness.config.errors import BadInput, ExitCode, HarnessError


def test_exit_codes_are_those_that_other_programs_rely_on() -> None:
    codes = {"AS_EXPECTED": 0, "CHANGED": 1, "BAD_INPUT": 2, "NOTHING_SELECTED": 3, "INCOMPLETE": 4}
    assert {code.name: code.value for code in ExitCode} == codes


def test_every_kind_of_error_a_user_can_mend_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in HarnessError.__subclasses__()]
    assert len(codes) == len(set(codes))
    assert not {ExitCode.AS_EXPECTED, ExitCode.CHANGED} & set(codes)


def test_all_problems_come_at_once_one_a_line() -> None:
    error = BadInput.from_problems(["matrix.yaml: no pairs", "routes[0]: unknown route 'towr'"])
    assert str(error) == "matrix.yaml: no pairs\nroutes[0]: unknown route 'towr'"
