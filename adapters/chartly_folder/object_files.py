"""Files of profiles, workflows and runs, read into a workspace."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from chartly.api.documents import Document, parse_documents
from chartly.api.place import Place
from chartly.api.reference import parse_project
from chartly.errors import Problem, SpecError
from chartly_folder.read_failure import cause
from chartly_service.workspace import NAMESPACE_FILE, Workspace

_GLOBAL = "global"
_FOLDERS = ("profiles", "workflows", _GLOBAL)
_SUFFIXES = (".yaml", ".yml", ".json")


def read_workspace(root: Path, project: str | None = None) -> Workspace:
    """The workspace of a folder; mistakes in its files are collected, not raised.

    Raises:
        SpecError: ``project`` is not a project.
    """
    workspace = Workspace(root, above=_workspace_above(root))
    for path in _files(root):
        shared = path.relative_to(root).parts[0] == _GLOBAL
        for document in _documents(path, root, workspace.problems):
            workspace.add(document, shared=shared)
    workspace.check_versions()
    if project is not None:
        workspace.project = parse_project(project)
    return workspace


def read_files(paths: Iterable[Path], root: Path) -> Workspace:
    """A workspace of the named files alone; a folder means the files in it, as to kubectl."""
    workspace = Workspace(root)
    for path in paths:
        before = len(workspace.problems)
        files = sorted(filter(_has_objects, path.iterdir())) if path.is_dir() else [path]
        documents = [
            document for file in files for document in _documents(file, root, workspace.problems)
        ]
        if not documents and len(workspace.problems) == before:
            workspace.problems.append(Place(object=str(path)).problem("holds no object"))
        for document in documents:
            workspace.add(document, shared=False)
    return workspace


def _workspace_above(root: Path) -> Path | None:
    above = root.resolve().parent
    return above if _holds_workspace(above) and not _holds_workspace(root) else None


def _holds_workspace(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in _FOLDERS)


def _files(root: Path) -> Iterator[Path]:
    if (root / NAMESPACE_FILE).is_file():
        yield root / NAMESPACE_FILE
    for folder in _FOLDERS:
        paths = (root / folder).rglob("*") if (root / folder).is_dir() else ()
        yield from sorted(filter(_has_objects, paths))


def _has_objects(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and path.is_file()


def _documents(path: Path, root: Path, problems: list[Problem]) -> list[Document]:
    source = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        return parse_documents(path.read_text(encoding="utf-8"), source)
    except SpecError as error:
        problems += error.problems
    except OSError as error:
        problems.append(Place(source).problem(f"cannot be read: {cause(error)}"))
    except UnicodeDecodeError:
        problems.append(Place(source).problem("is not UTF-8; save it in that encoding"))
    return []
