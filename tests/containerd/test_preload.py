"""The folder of preloaded images."""

from __future__ import annotations

from pathlib import Path

from podwright.containerd.importer import ImageImportError
from podwright.containerd.preload import preload


class Imports:
    def __init__(self) -> None:
        self.files: list[str] = []

    async def import_image(self, source: Path) -> list[str]:
        self.files.append(source.name)
        if source.read_text() == "broken":
            raise ImageImportError("not an image archive")
        return [source.stem]


async def test_each_version_of_a_file_is_imported_once_and_a_broken_one_stops_nobody(tmp_path: Path) -> None:
    folder, record, runtime = tmp_path / "images", tmp_path / "record.json", Imports()
    folder.mkdir()
    for name, content in (("a.tar", "x"), ("b.tar.gz", "broken"), ("c.tgz", "x"), ("notes.txt", "x")):
        (folder / name).write_text(content)
    done = await preload(runtime, folder, record)
    assert (done.names, done.failures) == (["a", "c"], {"b.tar.gz": "not an image archive"})
    (folder / "c.tgz").write_text("changed")
    assert (await preload(runtime, folder, record)).names == ["c"]
    assert runtime.files == ["a.tar", "b.tar.gz", "c.tgz", "b.tar.gz", "c.tgz"]


async def test_no_folder_is_nothing_to_do(tmp_path: Path) -> None:
    assert (await preload(Imports(), tmp_path / "none", tmp_path / "record")).names == []
