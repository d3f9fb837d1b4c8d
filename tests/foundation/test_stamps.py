from __future__ import annotations

from marquee.foundation.stamps import Stamps


def test_work_stands_until_a_file_that_went_in_or_came_out_differs(tmp_path):
    code, room = tmp_path / "code.py", tmp_path / "room"
    room.mkdir()
    for file in (code, room / "a", room / "b"):
        file.write_text("1")

    def stamps() -> Stamps:
        return Stamps(tmp_path / "stamps.json", [code])

    assert not stamps().stands("one", room), "never done"
    stamps().add("one", room)
    assert stamps().stands("one", room)
    assert not stamps().stands("other", room)
    for file, text in ((room / "b", "2"), (room / "c", "1"), (code, "2")):
        before = file.read_text() if file.exists() else None
        file.write_text(text)
        assert not stamps().stands("one", room), file.name
        file.unlink() if before is None else file.write_text(before)
    assert stamps().stands("one", room)
