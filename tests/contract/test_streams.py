import io
import sys

import pytest

from harness.contract import streams


@pytest.mark.parametrize(("encoding", "written"), [("ascii", b"\\u25d1 \\udcff"), ("utf-8", "◑ \\udcff".encode())])
def test_what_an_encoding_lacks_is_written_as_its_escape(
    encoding: str, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding=encoding, write_through=True))
    streams.escape_unencodable()
    sys.stdout.write("◑ \udcff")
    assert out.getvalue() == written


def test_a_stream_that_is_closed_or_somebody_elses_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    streams.escape_unencodable()
    assert sys.stdout is None
