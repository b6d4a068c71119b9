"""A file that is made to be slow or to fill the memory ends a process of its own, and keeps nobody else waiting."""

from __future__ import annotations

import os
import subprocess
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from grdf.staging import judge_process
from grdf.staging.file_kinds import NotAProof, checked
from grdf.staging.judge_process import word_for
from include.gas.errors import RetryLater
from tests.plugins.staging.proof_samples import GOOD


def slow_pdf(mib: int = 16) -> bytes:
    """Return a PDF of some KB whose cross-reference stream takes two seconds to unpack for each MiB."""
    data = zlib.compress(bytes(mib * 2**20), 9)
    out = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    out += b"2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\n"
    at = len(out)
    out += b"3 0 obj\n<< /Type /XRef /Root 1 0 R /W [1 2 1] /Index [0 3] /Size 3 /Filter [/FlateDecode /LZWDecode]"
    out += b" /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (len(data), data)
    return out + b"startxref\n%d\n%%%%EOF\n" % at


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that were started."""
    found: list[subprocess.Popen[bytes]] = []

    class Kept(subprocess.Popen[bytes]):
        def __init__(self, *command: Any, **more: Any) -> None:
            found.append(self)
            super().__init__(*command, **more)

    monkeypatch.setattr(subprocess, "Popen", Kept)
    return found


def program(monkeypatch: pytest.MonkeyPatch, folder: Path, code: str) -> None:
    """Start another program in place of the reader."""
    (folder / "reader.py").write_text(code)
    monkeypatch.setattr(judge_process, "_JUDGE", folder / "reader.py")


def test_a_pdf_that_takes_hours_is_given_up(
    started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_process, "PROCESSOR_SECONDS", 1)
    began = time.monotonic()
    with pytest.raises(
        NotAProof, match=r"is a PDF that takes too long .* print it to a new PDF file, or use a picture"
    ):
        checked(slow_pdf())
    assert time.monotonic() - began < 15
    assert checked(GOOD["application/pdf"]).kind == "application/pdf", "the next one is read"
    assert [process.returncode is not None for process in started] == [True, True]


def test_a_picture_that_takes_too_much_memory_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = BytesIO()
    Image.new("RGB", (7000, 7000)).save(kept, "PNG")
    assert checked(kept.getvalue()).kind == "image/png", "it has as many pixels as one may have"
    monkeypatch.setattr(judge_process, "MEMORY", 150_000_000)
    with pytest.raises(
        NotAProof, match=r"is a picture that takes .* too much memory to read; save it anew as a smaller"
    ):
        checked(kept.getvalue())
    assert checked(GOOD["image/jpeg"]).kind == "image/jpeg"


def test_a_reader_that_sleeps_is_ended(
    tmp_path: Path, started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(monkeypatch, tmp_path, "import time\nprint('ready', flush=True)\ntime.sleep(60)\nprint('png')\n")
    monkeypatch.setattr(judge_process, "CLOCK_SECONDS", 1.0)
    assert word_for(GOOD["image/png"], "picture") == "costly"
    assert not Path(f"/proc/{started[0].pid}").exists()


def test_a_reader_that_crashes_says_nothing_but_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(monkeypatch, tmp_path, "import os\nprint('ready', flush=True)\nos.kill(os.getpid(), 9)\n")
    with pytest.raises(NotAProof, match="is a PDF that takes too long"):
        checked(GOOD["application/pdf"])


def test_a_reader_that_does_not_start_is_not_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program(monkeypatch, tmp_path, "import no_such_library\n")
    with pytest.raises(RetryLater, match=r"could not be started \(it ended with 1\)\. Try again in a minute\. If this"):
        checked(GOOD["application/pdf"])
    assert "No module named 'no_such_library'" in caplog.text
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))
    with pytest.raises(RetryLater, match=r"could not be started \(FileNotFoundError\)"):
        checked(GOOD["application/pdf"])


def test_the_reader_sees_no_secret_and_no_file_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_COUCHDB", "http://grdf:secret@host")
    tell = "import os\nprint('ready', ';'.join([os.getcwd(), *os.environ, *sorted(os.listdir('/proc/self/fd'))]))\n"
    program(monkeypatch, tmp_path, tell)
    with (tmp_path / "kept open").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        place, *rest = word_for(GOOD["image/png"], "picture").split(";")
    assert place == "/"
    assert {name for name in rest if not name.isdigit()} <= {"LC_CTYPE"}, "what Python itself sets"
    assert [name for name in rest if name.isdigit()] == ["0", "1", "2", "3"], "3 is the list itself"


def test_what_the_reader_may_use(started: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    real, seen = subprocess.Popen.communicate, []

    def communicate(process: subprocess.Popen[bytes], *sent: Any, **more: Any) -> tuple[bytes, bytes]:
        assert process.stdout is not None
        ready = os.read(process.stdout.fileno(), 6)
        seen.append(Path(f"/proc/{process.pid}/limits").read_text())
        said, trouble = real(process, *sent, **more)
        return ready + said, trouble

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate)
    assert word_for(GOOD["image/png"], "picture") == "png"
    limits = {line[:26].strip(): line[26:].split()[:2] for line in seen[0].splitlines()}
    assert limits["Max cpu time"] == ["10", "10"]
    assert limits["Max address space"] == [str(2**30)] * 2
    assert limits["Max file size"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"], "a crash leaves no copy of the file"
