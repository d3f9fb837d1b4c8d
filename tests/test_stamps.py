from __future__ import annotations

from marquee.stamps import Stamps, digest


def test_work_stands_until_a_file_that_went_in_or_came_out_or_a_setting_differs(tmp_path):
    code, room = tmp_path / "code.py", tmp_path / "room"
    room.mkdir()
    for file in (code, room / "a", room / "b"):
        file.write_text("1")

    def stands(setting: object = 1, name: str = "one") -> bool:
        return Stamps(tmp_path / "stamps.json").stands(name, digest([code], setting), room)

    assert not stands(), "never done"
    Stamps(tmp_path / "stamps.json").add("one", digest([code], 1), room)
    assert stands()
    assert not stands(2)
    assert not stands(name="other")
    for file, text in ((room / "b", "2"), (room / "c", "1"), (code, "2")):
        before = file.read_text() if file.exists() else None
        file.write_text(text)
        assert not stands(), file.name
        file.unlink() if before is None else file.write_text(before)
    assert stands()


def test_what_python_compiled_is_no_part_of_a_folder_and_other_pieces_are_forgotten(tmp_path):
    room, stamps = tmp_path / "room", Stamps(tmp_path / "stamps.json")
    room.mkdir()
    before = digest([room])
    (room / "__pycache__").mkdir()
    (room / "__pycache__" / "code.pyc").write_text("")
    assert digest([room]) == before
    for name in ("one", "other"):
        stamps.add(name, "", room)
    stamps.keep(["one"])
    assert list(Stamps(tmp_path / "stamps.json").stamps) == ["one"]
