"""``chartly validate``."""

from pathlib import Path

import typer

from chartly.api.place import Place
from chartly.errors import REASONS, SpecError
from chartly_cli.printable import one_line
from chartly_cli.query_engine import check_queries
from chartly_cli.session import Session
from chartly_folder.object_files import read_files
from chartly_service.quantity import counted
from chartly_service.validate import Validation
from chartly_service.validate import validate as validation_of
from chartly_service.workspace import Workspace


def validate(session: Session, paths: list[Path]) -> None:
    """Prints every problem; exits with the reason of the first."""
    folder = session.workspace()
    named = read_files(paths, session.directory) if paths else None
    validation = validation_of(folder, named, check_queries)
    if validation.problems and session.printer.is_json:
        session.printer.result(_document(validation), "")
        raise typer.Exit(REASONS[validation.problems[0].reason].exit_code)
    if validation.problems:
        raise SpecError(validation.problems)
    _require_objects(folder, paths, validation.checked)
    session.printer.result(_document(validation), _summary(validation))


def _require_objects(folder: Workspace, paths: list[Path], checked: int) -> None:
    """Refuses a check of nothing."""
    if not checked and paths:
        why = "hold no Profile, Workflow or WorkflowRun"
        raise Place(object="the named files").refusal(why)
    if not checked:
        raise folder.place.refusal(f"holds no profiles/ and workflows/ to check{folder.hint}")


def _document(validation: Validation) -> dict[str, object]:
    return {
        "checked": validation.checked,
        "problems": [problem.document() for problem in validation.problems],
        "unchecked": list(validation.unchecked),
    }


def _summary(validation: Validation) -> str:
    verb = "is" if validation.checked == 1 else "are"
    lines = [f"{counted(validation.checked, 'object')} {verb} valid"]
    lines += [f"not checked: {part}" for part in validation.unchecked]
    return "\n".join(map(one_line, lines))
