import pytest

from harness.contract import lane_name


@pytest.mark.parametrize(
    ("lane", "said"),
    [
        ("cpu-float32", ("cpu", "float32", False, "cpu-float32")),
        ("cuda-bfloat16", ("cuda", "bfloat16", False, "cuda-bfloat16")),
        ("cpu-float32-companions", ("cpu", "float32", True, "cpu-float32")),
    ],
)
def test_a_name_says_device_dtype_companions_and_the_lane_without_them(
    lane: str, said: tuple[str, str, bool, str]
) -> None:
    found = lane_name.device(lane), lane_name.dtype(lane), lane_name.has_companions(lane), lane_name.plain(lane)
    assert found == said
