"""The rules of whole objects: of their names, and of what never changes in a status."""

from chartly.api.model import SLUG_SAYS
from chartly.api.profile import OBJECT_NAME_SAYS
from chartly.api.workflow_run import RUN_NAME_LENGTH, RUN_NAME_SAYS
from chartly.crds.rules import Rule, literal, quoted
from chartly.crds.text_rules import slug

OUTCOME_SAYS = "an outcome never changes"
_NAME = "self.metadata.name"
_FIELD = ".metadata.name"


def profile_rules() -> tuple[Rule, ...]:
    """The name is made of kind, name and version."""
    wanted = "self.spec.kind + '-' + self.spec.name + '-' + self.spec.version"
    says = f"{quoted(_NAME)} + {literal(f' {OBJECT_NAME_SAYS} ')} + {quoted(wanted)}"
    return (Rule(f"{_NAME} == {wanted}", OBJECT_NAME_SAYS, says, _FIELD),)


def workflow_rules() -> tuple[Rule, ...]:
    """The name is the workflow's."""
    return (Rule(slug(_NAME), SLUG_SAYS, field=_FIELD),)


def run_rules() -> tuple[Rule, ...]:
    """The name leaves room for an attempt's; an outcome stays (INV-2)."""
    return (
        Rule(f"{_NAME}.size() <= {RUN_NAME_LENGTH}", RUN_NAME_SAYS, field=_FIELD),
        Rule(
            "!has(oldSelf.status) || !has(oldSelf.status.outcome) || "
            "(has(self.status) && has(self.status.outcome) && "
            "self.status.outcome == oldSelf.status.outcome)",
            OUTCOME_SAYS,
            field=".status.outcome",
            why="FieldValueForbidden",
        ),
    )
