"""The memory that is left: the system's, or less where a container allows less."""

from pathlib import Path

from offbook.engine.available_memory import available_bytes


def test_memory_that_is_left_is_read(tmp_path: Path) -> None:
    info = tmp_path / "meminfo"
    info.write_text("MemTotal: 100 kB\nMemAvailable:      50 kB\n")
    assert available_bytes(info, tmp_path) == 50 * 1024
    (tmp_path / "memory.max").write_text("30000\n")
    (tmp_path / "memory.current").write_text("10000\n")
    assert available_bytes(info, tmp_path) == 20000
    (tmp_path / "memory.stat").write_text("anon 6000\ninactive_file 4000\nactive_file 7\n")
    assert available_bytes(info, tmp_path) == 24000, "copies of files make room"
    (tmp_path / "memory.current").write_text("60000\n")
    assert available_bytes(info, tmp_path) == 0
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path / "none", tmp_path) is None


def test_what_says_something_else_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable: many kB\n")
    (tmp_path / "memory.max").write_text("some\n")
    (tmp_path / "memory.current").write_text("1\n")
    assert available_bytes(tmp_path / "meminfo", tmp_path) is None
