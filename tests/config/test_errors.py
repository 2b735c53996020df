from harness.config.errors import BadInput, HarnessError, NothingSelected


def test_bad_input_exits_2_and_an_empty_selection_3() -> None:
    assert (BadInput.exit_code, NothingSelected.exit_code) == (2, 3)


def test_every_kind_of_error_a_user_can_mend_has_an_exit_code_of_its_own() -> None:
    codes = [kind.exit_code for kind in HarnessError.__subclasses__()]
    assert len(codes) == len(set(codes))
    assert not {0, 1, 4} & set(codes)


def test_all_problems_come_at_once_one_a_line() -> None:
    error = BadInput.from_problems(["matrix.yaml: no pairs", "routes[0]: unknown route 'towr'"])
    assert str(error) == "matrix.yaml: no pairs\nroutes[0]: unknown route 'towr'"
