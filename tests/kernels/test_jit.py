from __future__ import annotations

from pathlib import Path

from marquee.kernels import jit
from marquee.kernels.jit import ByContents


def test_copies_of_a_folder_share_what_is_compiled_until_a_file_of_one_changes(tmp_path):
    for name in ("one", "other"):
        folder = tmp_path / name / "learning"
        folder.mkdir(parents=True)
        (folder / "loop.py").write_text("from learning.constants import WIDTH")
        (folder / "constants.py").write_text("WIDTH = 8")

    def kept(name: str) -> str:
        jit._folder_name.cache_clear()
        return ByContents.get_suitable_cache_subpath(str(tmp_path / name / "learning" / "loop.py"))

    assert kept("one") == kept("other")
    (tmp_path / "one/learning/constants.py").write_text("WIDTH = 16")
    assert kept("one") != kept("other")


def test_our_loops_are_kept_by_contents_and_those_of_others_as_numba_keeps_them(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    from marquee.kernels import sgd

    ours = ByContents.from_function(sgd._lay_out.py_func, sgd.__file__)
    assert ours is not None
    assert Path(ours.get_cache_path()).name.startswith("marquee-kernels-")
    assert (
        ByContents.from_function(
            test_copies_of_a_folder_share_what_is_compiled_until_a_file_of_one_changes, __file__
        )
        is None
    )
