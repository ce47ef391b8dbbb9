"""The rules of whole objects: of their names, and of the outcome in a status."""

from chartly.api.model import SLUG_MESSAGE
from chartly.api.profile import OBJECT_NAME_MESSAGE
from chartly.api.workflow_run import RUN_NAME_LENGTH, RUN_NAME_MESSAGE
from chartly.crds.cel_rules import Rule, literal, quoted
from chartly.crds.text_rules import slug

OUTCOME_MESSAGE = "an outcome never changes"
_NAME = "self.metadata.name"
_FIELD = ".metadata.name"


def profile_rules() -> tuple[Rule, ...]:
    """The name consists of kind, name and version."""
    wanted = "self.spec.kind + '-' + self.spec.name + '-' + self.spec.version"
    sentence = f"{quoted(_NAME)} + {literal(f' {OBJECT_NAME_MESSAGE} ')} + {quoted(wanted)}"
    return (Rule(f"{_NAME} == {wanted}", OBJECT_NAME_MESSAGE, sentence, _FIELD),)


def workflow_rules() -> tuple[Rule, ...]:
    """The name is the workflow's."""
    return (Rule(slug(_NAME), SLUG_MESSAGE, field=_FIELD),)


def run_rules() -> tuple[Rule, ...]:
    """The name leaves room for the suffix of an attempt; an outcome never changes (INV-2)."""
    return (
        Rule(f"{_NAME}.size() <= {RUN_NAME_LENGTH}", RUN_NAME_MESSAGE, field=_FIELD),
        Rule(
            "!has(oldSelf.status) || !has(oldSelf.status.outcome) || "
            "(has(self.status) && has(self.status.outcome) && "
            "self.status.outcome == oldSelf.status.outcome)",
            OUTCOME_MESSAGE,
            field=".status.outcome",
            why="FieldValueForbidden",
        ),
    )
