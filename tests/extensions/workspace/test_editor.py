"""Edits of real files: what they do, what they refuse, and that nothing outside of the root is ever touched."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal, Self

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents import ApplyPatchEditor, ApplyPatchOperation, ApplyPatchResult, UserError
from agents.extensions.workspace import WorkspaceEditor, _confined

SECRET = "the secret of somebody else\n"


@pytest.fixture(params=["through folders", "checked step by step"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty root beside a secret, on a system that can open through folders and on one that cannot."""
    monkeypatch.setattr(_confined, "OPENS_THROUGH_FOLDERS", request.param == "through folders")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text(SECRET, encoding="utf-8")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture(autouse=True)
def _nothing_outside_changes(tmp_path: Path) -> Generator[None]:
    yield
    outside = tmp_path / "outside"
    if outside.exists():
        assert {path.name: path.read_text(encoding="utf-8") for path in outside.iterdir()} == {
            "secret": SECRET
        }


async def create(root: Path, path: str, diff: str | None = "+new") -> ApplyPatchResult:
    return await WorkspaceEditor(root).create_file(ApplyPatchOperation("create_file", path, diff))


async def update(
    root: Path, path: str, diff: str | None = "-old\n+new", move_to: str | None = None
) -> ApplyPatchResult:
    return await WorkspaceEditor(root).update_file(
        ApplyPatchOperation("update_file", path, diff, move_to=move_to)
    )


async def delete(root: Path, path: str) -> ApplyPatchResult:
    return await WorkspaceEditor(root).delete_file(ApplyPatchOperation("delete_file", path))


async def all_refuse(root: Path, path: str, said: str) -> None:
    for result in (await create(root, path), await update(root, path), await delete(root, path)):
        assert result.status == "failed"
        assert said in (result.output or "")


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


async def test_files_are_created_updated_moved_and_deleted(root: Path) -> None:
    assert await create(root, "a/b/c.txt", "+one\n+two\n+") == ApplyPatchResult(
        "completed", "Created a/b/c.txt"
    )
    assert await update(root, "a/b/c.txt", " one\n-two\n+2") == ApplyPatchResult(
        "completed", "Updated a/b/c.txt"
    )
    assert contents(root) == {"a/b/c.txt": b"one\n2\n"}
    moved = await update(root, "a/b/c.txt", "-one\n+1", move_to="d/e.txt")
    assert moved == ApplyPatchResult("completed", "Updated a/b/c.txt and moved it to d/e.txt")
    assert contents(root) == {"d/e.txt": b"1\n2\n"}
    assert (await update(root, "d/e.txt", None, move_to="f.txt")).status == "completed"
    assert await delete(root, "./f.txt") == ApplyPatchResult("completed", "Deleted ./f.txt")
    assert contents(root) == {}


def test_it_is_an_editor_of_apply_patch_tools(root: Path) -> None:
    editor: ApplyPatchEditor = WorkspaceEditor(str(root))
    assert isinstance(editor, ApplyPatchEditor)


async def test_an_absolute_path_below_the_root_is_one(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert (await create(tmp_path / "link", str(root / "a"))).status == "completed"
    assert (await create(tmp_path / "link", str(tmp_path / "link" / "b"))).status == "completed"
    assert contents(root) == {"a": b"new", "b": b"new"}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../outside/secret", "has '..' in it"),
        ("a/../../outside/secret", "has '..' in it"),
        ("/etc/passwd", "is not in the workspace"),
        ("//etc/passwd", "is not in the workspace"),
        ("", "is the workspace itself"),
        (".", "is the workspace itself"),
        ("././/", "is the workspace itself"),
        ("a\0b", "NUL"),
        ("C:\\windows\\win.ini", "backslash"),
        ("..\\outside\\secret", "backslash"),
        ("\\\\server\\share", "backslash"),
        ("C:/windows/win.ini", "names a drive"),
        ("c:win.ini", "names a drive"),
        ("\ud800", "no text that can be encoded"),
        ("n" * 300, os.strerror(errno.ENAMETOOLONG)),
    ],
)
async def test_paths_that_lead_out_are_refused(root: Path, path: str, said: str) -> None:
    await all_refuse(root, path, said)
    moved = await create(root, "here", "+old")
    moved = await update(root, "here", move_to=path)
    assert moved.status == "failed"
    assert said in (moved.output or "")
    assert contents(root) == {"here": b"old"}


async def test_the_root_by_its_own_path_is_refused(root: Path) -> None:
    await all_refuse(root, str(root), "is not in the workspace")
    await all_refuse(root, f"{root}/", "is the workspace itself")
    await all_refuse(root, f"{root}/../outside/secret", "has '..' in it")
    await all_refuse(root, f"{root}2/a", "is not in the workspace")


async def test_symbolic_links_are_refused_wherever_they_lead(root: Path, tmp_path: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "file").write_text("old", encoding="utf-8")
    for name, target in {
        "folder": "../outside",
        "absolute": str(tmp_path / "outside"),
        "inside": "real",
        "loop": "loop",
    }.items():
        (root / name).symlink_to(target)
        await all_refuse(root, f"{name}/secret", "is a symbolic link, and no folder")
    for name, target in {
        "file": "../outside/secret",
        "dangling": "../outside/new",
        "near": "real/file",
    }.items():
        (root / name).symlink_to(target)
        for result in (await update(root, name), await delete(root, name)):
            assert result.status == "failed"
            assert "is a symbolic link, and no file" in (result.output or "")
        assert (await create(root, name)).status == "failed"
        assert (await update(root, "real/file", move_to=name)).status == "failed"
    assert contents(root) == {"real/file": b"old"}


@pytest.mark.parametrize("what", ["sub", "sub/secret"])
@pytest.mark.parametrize("when", range(8))
async def test_a_link_swapped_in_meanwhile_leads_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int, what: str
) -> None:
    """Just before each system call of an edit, the folder, or the file, becomes a link that leads out."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (outside / "secret").write_text(SECRET, encoding="utf-8")
    calls = swaps = 0

    def swapping(name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal calls, swaps
            if calls == when and (root / what).exists():
                (root / what).rename(root / "moved")
                (root / what).symlink_to(outside / what.removeprefix("sub").removeprefix("/"))
                swaps += 1
            calls += 1
            return real(*arguments, **options)

        return call

    for change, path in ((create, "sub/new"), (update, "sub/secret"), (delete, "sub/secret")):
        root.mkdir()
        (root / "sub").mkdir()
        (root / "sub" / "secret").write_text("old", encoding="utf-8")
        calls = 0
        with monkeypatch.context() as patches:
            for name in ("open", "mkdir", "replace", "link", "unlink"):
                patches.setattr(os, name, swapping(name))
            result = await change(root, path)
        # An outside file that was read would not fit.
        assert "does not fit" not in (result.output or "")
        root.rename(tmp_path / f"done {change.__name__}")
    assert swaps or when > 4


async def test_what_is_no_file_is_refused_at_once(root: Path) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        for name, kind in {"folder": "a folder", "pipe": "a device, pipe or socket", "s": "a device"}.items():
            for result in (await update(root, name), await delete(root, name)):
                assert result.status == "failed"
                assert f"'{name}' is {kind}" in (result.output or "")
            assert (await create(root, name)).status == "failed"
    (root / "file").write_text("old", encoding="utf-8")
    await all_refuse(root, "file/below", "'file' is a file, and no folder")


async def test_what_is_there_is_not_created_and_what_is_not_is_named(root: Path) -> None:
    (root / "there").write_text("old", encoding="utf-8")
    assert await create(root, "there") == ApplyPatchResult(
        "failed", "'there' is there already: update it, or give another path"
    )
    missing = ApplyPatchResult("failed", "There is no file 'gone/away': look for its name, or create it")
    assert await update(root, "gone/away") == missing
    assert await delete(root, "gone/away") == missing
    assert (await update(root, "there", move_to="there")).output == "Updated there"
    (root / "other").write_text("kept", encoding="utf-8")
    assert (await update(root, "there", "", move_to="other")).status == "failed"
    assert contents(root) == {"there": b"new", "other": b"kept"}
    assert (await create(root, "x", None)).status == (await update(root, "there", None)).status == "failed"


@pytest.mark.parametrize(
    ("before", "diff", "after"),
    [
        (b"\xef\xbb\xbfold\r\nb\r\n", "-old\n+new\n+er", b"\xef\xbb\xbfnew\r\ner\r\nb\r\n"),
        ("old é\n".encode(), "-old é\n+ü", "ü\n".encode()),
        (b"", "+x", b"x\n"),
        (b"\xef\xbb\xbf", "+x", b"\xef\xbb\xbfx\n"),
    ],
)
async def test_the_mark_the_newlines_and_the_mode_stay(
    root: Path, before: bytes, diff: str, after: bytes
) -> None:
    (root / "file").write_bytes(before)
    (root / "file").chmod(0o751)
    assert (await update(root, "file", diff)).status == "completed"
    assert contents(root) == {"file": after}
    assert stat.S_IMODE((root / "file").stat().st_mode) == 0o751
    assert (await update(root, "file", "", move_to="moved")).status == "completed"
    assert stat.S_IMODE((root / "moved").stat().st_mode) == 0o751


async def test_a_new_file_has_the_mode_that_new_files_have(root: Path) -> None:
    (root / "usual").write_text("", encoding="utf-8")
    assert (await create(root, "made")).status == "completed"
    assert (root / "made").stat().st_mode == (root / "usual").stat().st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_a_file_stays_its_owner_s(root: Path) -> None:
    (root / "file").write_text("old", encoding="utf-8")
    os.chown(root / "file", 1234, 5678)
    assert (await update(root, "file")).status == "completed"
    found = (root / "file").stat()
    assert (found.st_uid, found.st_gid) == (1234, 5678)


@pytest.mark.parametrize(
    ("before", "diff", "said"),
    [
        (b"old\0", "-old\n+new", "is a binary file"),
        (b"\xff\xfeo\0l\0d\0", "-old\n+new", "is a binary file"),
        (b"old \xe9\n", "-old\n+new", "is not UTF-8 (byte 4)"),
        (b"old", "-other\n+new", "stays as it is, the diff does not fit it. Invalid Context 0:\nother"),
        (b"old", "-old\n+\ud800", "which is no character"),
        (b"old" * 100, "+x", "has more than 100 bytes"),
        (b"old", "-old\n+" + "x" * 101, "would have more than 100 bytes"),
    ],
)
async def test_what_cannot_be_edited_stays_as_it_is(root: Path, before: bytes, diff: str, said: str) -> None:
    (root / "file").write_bytes(before)
    editor = WorkspaceEditor(root, max_file_bytes=100)
    result = await editor.update_file(ApplyPatchOperation("update_file", "file", diff))
    assert result.status == "failed"
    assert said in (result.output or "")
    assert contents(root) == {"file": before}


@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
async def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (root / "file").write_text("old", encoding="utf-8")

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/place/on/the/machine")

    if name == "write":
        real = os.fdopen

        def fdopen(descriptor: int, mode: str, *rest: Any) -> Any:
            file: Any = real(descriptor, mode, *rest)
            if mode == "wb":
                file = FullDisk(file, full)
            return file

        monkeypatch.setattr(os, "fdopen", fdopen)
    else:
        monkeypatch.setattr(os, name, full)
    assert await update(root, "file") == ApplyPatchResult("failed", f"'file': {os.strerror(errno.ENOSPC)}")
    assert contents(root) == {"file": b"old"}


class FullDisk:
    """A file that cannot be written to."""

    def __init__(self, file: Any, write: Any) -> None:
        self.file = file
        self.write = write

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.file.close()


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EACCES])
async def test_files_are_created_where_there_are_no_hard_links(
    root: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def link(*_arguments: object, **_options: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    made = await create(root, "a/file")
    if code == errno.EACCES:
        assert made == ApplyPatchResult("failed", f"'a/file': {os.strerror(code)}")
        assert contents(root) == {}
    else:
        assert contents(root) == {"a/file": b"new"}
        assert "is there already" in ((await create(root, "a/file", "+other")).output or "")
        assert contents(root) == {"a/file": b"new"}


async def test_a_file_that_another_process_wrote_meanwhile_is_not_replaced(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "file").write_text("old", encoding="utf-8")
    real = os.fsync

    def fsync(descriptor: int) -> None:
        real(descriptor)
        (root / "file").write_text("of somebody else", encoding="utf-8")

    monkeypatch.setattr(os, "fsync", fsync)
    said = "'file' was changed by somebody else meanwhile: read it again"
    assert await update(root, "file") == ApplyPatchResult("failed", said)
    assert contents(root) == {"file": b"of somebody else"}


@pytest.mark.parametrize("error", [None, PermissionError(errno.EPERM, "not permitted")])
async def test_a_file_that_cannot_go_is_not_moved_and_is_in_one_place(
    root: Path, monkeypatch: pytest.MonkeyPatch, error: OSError | None
) -> None:
    (root / "file").write_text("old", encoding="utf-8")
    remove = _confined.Folder.remove

    def meanwhile(folder: _confined.Folder, name: str, read: os.stat_result | None = None) -> None:
        if name == "file":
            (root / "file").write_text("that of another process", encoding="utf-8")
            if error is not None:
                raise error
        remove(folder, name, read)

    monkeypatch.setattr(_confined.Folder, "remove", meanwhile)
    result = await WorkspaceEditor(root).update_file(
        ApplyPatchOperation("update_file", "file", "-old\n+new", None, "moved")
    )
    assert result.status == "failed"
    assert ("somebody else" if error is None else "not permitted") in (result.output or "")
    assert contents(root) == {"file": b"that of another process"}


async def test_two_hundred_files_are_edited_at_once(root: Path) -> None:
    made = await asyncio.gather(*(create(root, f"{number % 10}/{number}") for number in range(200)))
    assert {result.status for result in made} == {"completed"}
    diffs = [f"-new\n+text {number}" for number in range(200)]
    changed = await asyncio.gather(
        *(update(root, f"{number % 10}/{number}", diff) for number, diff in enumerate(diffs))
    )
    assert {result.status for result in changed} == {"completed"}
    assert contents(root) == {f"{number % 10}/{number}": f"text {number}".encode() for number in range(200)}


async def test_edits_of_one_file_come_one_after_the_other(root: Path) -> None:
    (root / "file").write_text("".join(f"line {number}\n" for number in range(100)), encoding="utf-8")
    editors = [WorkspaceEditor(root), WorkspaceEditor(root)]
    results = await asyncio.gather(
        *(
            editors[number % 2].update_file(
                ApplyPatchOperation("update_file", "file", f"-line {number}\n+changed {number}")
            )
            for number in range(100)
        )
    )
    assert {result.status for result in results} == {"completed"}
    assert contents(root) == {"file": b"".join(b"changed %d\n" % number for number in range(100))}


async def test_a_reader_sees_the_old_text_or_the_new_one(root: Path) -> None:
    texts = [f"{letter * 200_000}\n" for letter in "ab"]
    (root / "file").write_text(texts[0], encoding="utf-8")
    seen: set[str] = set()
    is_done = asyncio.Event()

    def look() -> None:
        while not is_done.is_set():
            seen.add((root / "file").read_text(encoding="utf-8"))

    looking = asyncio.create_task(asyncio.to_thread(look))
    for number in range(20):
        old, new = texts[number % 2], texts[1 - number % 2]
        assert (await update(root, "file", f"-{old}+{new}")).status == "completed"
    is_done.set()
    await looking
    assert seen <= set(texts)


async def test_of_many_that_create_one_file_one_does(root: Path) -> None:
    results = await asyncio.gather(*(create(root, "a/file", f"+{number}") for number in range(50)))
    done = [number for number, result in enumerate(results) if result.status == "completed"]
    assert len(done) == 1
    assert contents(root) == {"a/file": str(done[0]).encode()}


async def test_a_cancelled_edit_is_over_when_its_task_is(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "file").write_text("old", encoding="utf-8")
    loop = asyncio.get_running_loop()
    real = os.fsync

    def fsync(descriptor: int) -> None:
        loop.call_soon_threadsafe(task.cancel)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    task = asyncio.create_task(update(root, "file"))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert contents(root) == {"file": b"new"}


async def test_the_event_loop_is_never_blocked(root: Path) -> None:
    editor = WorkspaceEditor(root)
    with blockbuster_ctx("agents"):
        await editor.create_file(ApplyPatchOperation("create_file", "a/file", "+old"))
        await editor.update_file(ApplyPatchOperation("update_file", "a/file", "-old\n+new"))
        await editor.delete_file(ApplyPatchOperation("delete_file", "a/file"))
    assert contents(root) == {}


def test_a_root_that_is_missing_is_the_program_s_mistake(root: Path) -> None:
    with pytest.raises(UserError, match=r"There is no folder '.*/nowhere' to work in"):
        WorkspaceEditor(root / "nowhere")


def test_a_root_that_is_gone_is_told(root: Path) -> None:
    editor = WorkspaceEditor(root)
    root.rmdir()
    made = asyncio.run(editor.create_file(ApplyPatchOperation("create_file", "a", "+a")))
    assert made.status == "failed"


PATHS = st.lists(
    st.sampled_from(
        ["..", ".", "/", "//", "\\", "a", "sub", "link", "file", "secret", "outside", "C:", "\0", "ROOT", "~"]
    )
    | st.text(max_size=3),
    max_size=8,
).map("".join) | st.lists(st.sampled_from(["..", ".", "", "link", "sub", "file", "secret", "ROOT"])).map(
    "/".join
)


@pytest.mark.parametrize("kind", ["create", "update", "delete", "move"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=PATHS)
def test_any_path_is_below_the_root_or_refused(
    root: Path, kind: Literal["create", "update", "delete", "move"], path: str
) -> None:
    for link in ("link", "sub/link"):
        (root / link).parent.mkdir(exist_ok=True)
        if not os.path.lexists(root / link):
            (root / link).symlink_to(root.parent / "outside")
    (root / "file").write_text("old", encoding="utf-8")
    before = contents(root)
    path = path.replace("ROOT", str(root))
    match kind:
        case "create":
            result = asyncio.run(create(root, path))
        case "update":
            result = asyncio.run(update(root, path))
        case "delete":
            result = asyncio.run(delete(root, path))
        case "move":
            result = asyncio.run(update(root, "file", move_to=path))
    after = contents(root)
    assert (result.status == "failed") == (before == after)
    assert not any(name.endswith(".tmp") for name in after)
    outside = root.parent / "outside"
    assert {file.name: file.read_text(encoding="utf-8") for file in outside.iterdir()} == {"secret": SECRET}
    assert {entry.name for entry in root.parent.iterdir()} == {"root", "outside"}
