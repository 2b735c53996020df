"""Of the user's environment only what is listed reaches a case."""

import pytest

from harness.contract.library_env import LIBRARIES, ONLINE, of_case

OFFLINE = {"PYTHONSAFEPATH": "1", **LIBRARIES}


@pytest.mark.parametrize(
    "name",
    [
        *("PYTHONOPTIMIZE", "PYTHONWARNINGS", "PYTHONHASHSEED", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONBREAKPOINT"),
        *(
            "TORCH_LOGS",
            "TORCH_COMPILE_DEBUG",
            "TORCHDYNAMO_DISABLE",
            "PYTORCH_CUDA_ALLOC_CONF",
            "NVIDIA_TF32_OVERRIDE",
        ),
        *(
            "TRANSFORMERS_CACHE",
            "HF_HOME",
            "HF_DEBUG",
            "HUGGINGFACE_HUB_CACHE",
            "TIMM_FUSED_ATTN",
            "SAFETENSORS_FAST_GPU",
        ),
        *("COVERAGE_PROCESS_START", "PYTEST_PLUGINS", "PYTEST_ADDOPTS", "LD_PRELOAD", "MKL_CBWR", "HTTPS_PROXY"),
    ],
)
def test_a_variable_that_changes_what_libraries_do_reaches_no_case(name: str) -> None:
    assert of_case({name: "1"}, OFFLINE) == OFFLINE


@pytest.mark.parametrize("name", ["PATH", "HOME", "TMPDIR", "LC_ALL", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"])
def test_a_variable_that_a_case_needs_reaches_it(name: str) -> None:
    assert of_case({name: "x"}, OFFLINE) == {name: "x", **OFFLINE}


def test_what_we_chose_overrides_the_users() -> None:
    assert of_case(dict.fromkeys(LIBRARIES, "of the user"), OFFLINE) == OFFLINE


@pytest.mark.parametrize("name", ["HF_TOKEN", "HF_HOME", "https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE"])
def test_a_run_on_the_hub_also_gets_what_leads_there(name: str) -> None:
    online = {**OFFLINE, **ONLINE}
    assert of_case({name: "x"}, online) == {name: "x", **online}
