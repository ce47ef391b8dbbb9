"""The rules of objects: constraints between their fields."""

from collections.abc import Iterable

from pydantic import BaseModel

from chartly.api.connector import (
    NEEDS_HTTPS_MESSAGE,
    NEEDS_SECRET_MESSAGE,
    NO_SECRET_MESSAGE,
    NOT_LISTED_MESSAGE,
    PORT_NOT_LISTED_MESSAGE,
    Auth,
    ConnectorSpec,
)
from chartly.api.normalizer import DEFAULT_PRECISION, DEFAULT_SCALE, SCALE_MESSAGE, ToDecimal
from chartly.api.pagination import (
    NEVER_AN_END,
    NEVER_AN_END_MESSAGE,
    OFFSET_GOES_ON_MESSAGE,
    OFFSET_MESSAGE,
    PAGINATION_NEEDS,
    SIZE_MESSAGE,
    Pagination,
    StopRules,
)
from chartly.api.profile import ResourceSpec
from chartly.api.reference import PROFILE_KINDS
from chartly.api.storage import RETENTION_MESSAGE, StorageSpec
from chartly.api.transport import BASE_URL_FORM, DEFAULT_PORTS
from chartly.api.workflow import VERSION_REUSED_MESSAGE, WorkflowSpec
from chartly.api.workflow_run import RUN_CHANGED_MESSAGE, WINDOW_MESSAGE, RunWindow, WorkflowRunSpec
from chartly.api.workflow_step import (
    ORDER_MESSAGE,
    SPELLINGS,
    START_MESSAGE,
    STEP_KINDS,
    STREAM_MESSAGE,
    exactly_one_message,
    takes_kind_message,
)
from chartly.crds.cel_rules import Rule, anchored, literal, quoted, regex, required, unchanged
from chartly.crds.text_rules import is_instant, reference_rules

PROFILE_CHANGED_MESSAGE = "a profile never changes; give the changed one a new version"
_ENABLED = "self.steps.map(step, step.?when.?enabled.orValue(true), step.type)"
_PULLED = "self.steps.map(step, step.type != 'analytics_query', step.type)"
_STEP_FIELDS = {(step, field): step for step, fields in SPELLINGS.items() for field in fields}


def rules_of(model: type[BaseModel]) -> tuple[Rule, ...]:
    """The rules of a model's objects, beside those of its fields."""
    return _RULES.get(model, ())


def _auth_rules() -> tuple[Rule, ...]:
    mode = "has(self.mode) && self.mode != 'none'"
    needs = f"'mode ' + self.mode + {literal(f' {NEEDS_SECRET_MESSAGE}')}"
    return (
        Rule(f"!({mode}) || has(self.secretRef)", NEEDS_SECRET_MESSAGE, needs),
        Rule(f"({mode}) || !has(self.secretRef)", NO_SECRET_MESSAGE),
    )


def _pagination_rules() -> tuple[Rule, ...]:
    needs = tuple(
        Rule(
            f"!has(self.mode) || self.mode != '{mode}' || has(self.{field})",
            f"mode {mode} needs {field}",
        )
        for mode, fields in PAGINATION_NEEDS.items()
        for field in fields
    )
    sized = "has(self.pageSize)"
    return (
        *needs,
        Rule(f"!has(self.sizeParam) || {sized}", SIZE_MESSAGE),
        Rule(f"!has(self.mode) || self.mode != 'offset' || {sized}", OFFSET_MESSAGE),
        Rule(
            "!has(self.mode) || self.mode != 'offset' || !has(self.stop) || "
            "!has(self.stop.emptyPage) || self.stop.emptyPage",
            OFFSET_GOES_ON_MESSAGE,
        ),
    )


def _stop_rules() -> tuple[Rule, ...]:
    never = ", ".join(map(str, NEVER_AN_END))
    return (
        Rule(
            f"!has(self.statuses) || self.statuses.all(one, !(one in [{never}]))",
            NEVER_AN_END_MESSAGE,
        ),
    )


def _connector_rules() -> tuple[Rule, ...]:
    at_url = ".transport.baseUrl"
    url = f"self{at_url}"
    host = f"{url}.find(r'//[^/:]+').substring(2)"
    formed = f"{url}.matches({anchored(BASE_URL_FORM)})"
    secure = f"{url}.startsWith('https:')"
    ports = "self.egressPolicy.ports"
    written = f"{url}.find(r'^https?://[^/:]+:[0-9]+')"
    usual = f"({secure} ? {DEFAULT_PORTS['https']} : {DEFAULT_PORTS['http']})"
    port = f"({written} == '' ? {usual} : int({written}.find('[0-9]+$')))"
    return (
        Rule(
            f"!{formed} || {host} in self.egressPolicy.dnsAllowlist",
            NOT_LISTED_MESSAGE,
            field=at_url,
        ),
        Rule(
            f"!{formed} || !has({ports}) || {ports}.size() == 0 || {port} in {ports}",
            PORT_NOT_LISTED_MESSAGE,
            field=at_url,
        ),
        Rule(
            f"!has(self.auth) || !has(self.auth.mode) || self.auth.mode == 'none' || "
            f"!{formed} || {secure}",
            NEEDS_HTTPS_MESSAGE,
            field=at_url,
        ),
    )


def _decimal_rules() -> tuple[Rule, ...]:
    scale = f"self.?scale.orValue({DEFAULT_SCALE})"
    precision = f"self.?precision.orValue({DEFAULT_PRECISION})"
    return (Rule(f"{scale} <= {precision}", SCALE_MESSAGE),)


def _profile_rules() -> tuple[Rule, ...]:
    sections = (
        rule
        for kind in PROFILE_KINDS
        for rule in (
            required(kind, f"self.kind == '{kind}'"),
            Rule(
                f"!has(self.{kind}) || self.kind == '{kind}'",
                "kind is another one",
                "'kind is ' + self.kind",
                field=f".{kind}",
                why="FieldValueForbidden",
            ),
        )
    )
    return (
        Rule("self == oldSelf", PROFILE_CHANGED_MESSAGE, why="FieldValueForbidden"),
        *sections,
    )


def _workflow_rules() -> tuple[Rule, ...]:
    streams = [
        f"self.steps.map(step, step.type == '{step_type}', step.?stream.orValue(''))"
        for step_type in ("normalize", "write_dataset")
    ]
    kept = f"self.steps == oldSelf.steps && {unchanged('parameters')}"
    return (
        Rule(
            f"self.version != oldSelf.version || ({kept})", VERSION_REUSED_MESSAGE, field=".version"
        ),
        Rule(_starts(), START_MESSAGE, field=".steps"),
        Rule(f"!({_starts()}) || ({_goes_on()})", ORDER_MESSAGE, field=".steps"),
        Rule(" == ".join(streams), STREAM_MESSAGE, field=".steps"),
    )


def _starts() -> str:
    """CEL for: the enabled steps start with the only connector_sync."""
    is_single = "self.steps.filter(step, step.type == 'connector_sync').size() == 1"
    return f"{is_single} && {_ENABLED}[0] == 'connector_sync'"


def _goes_on() -> str:
    """CEL for: pairs follow, and no query that is enabled comes before their end."""
    turn = "i == 0 ? 'connector_sync' : i % 2 == 1 ? 'normalize' : 'write_dataset'"
    return " && ".join(
        (
            f"{_PULLED}.size() % 2 == 1 && {_PULLED}.size() >= 3",
            f"{_PULLED}.all(i, one, one == ({turn}))",
            f"{_ENABLED}.all(i, one, i >= {_PULLED}.size() || one != 'analytics_query')",
        )
    )


def rules_of_variant_field(variant: str, field: str) -> tuple[Rule, ...]:
    """The rules of a field that one variant of an object has: of references in steps."""
    step = _STEP_FIELDS.get((variant, field))
    return (*reference_rules(), _kind_rule(step)) if step else ()


def _kind_rule(step: str) -> Rule:
    """A step names a profile of its kind; another rule refuses a kind that does not exist."""
    wrong = "|".join(kind for kind in PROFILE_KINDS if kind != STEP_KINDS[step])
    message = takes_kind_message(step)
    return Rule(
        f"!self.matches({regex(f'^([^:]*::)?({wrong})/')})",
        message,
        f"{literal(f'{message}, not ')} + {quoted('self')}",
    )


def rules_of_variants(variants: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of an object of one of the variants: a step has exactly one spelling."""
    return tuple(
        Rule(
            f"self.type != '{step}' || has(self.{explicit}) != has(self.{compact})",
            exactly_one_message(step),
        )
        for step, (explicit, compact) in SPELLINGS.items()
        if step in variants
    )


def _window_rules() -> tuple[Rule, ...]:
    formed = " && ".join(is_instant(f"self.{field}") for field in ("start", "end"))
    return (Rule(f"!({formed}) || timestamp(self.start) < timestamp(self.end)", WINDOW_MESSAGE),)


def _run_rules() -> tuple[Rule, ...]:
    kept = [
        "self.workflowRef == oldSelf.workflowRef",
        *(unchanged(field) for field in ("trigger", "window", "rerunOf")),
        f"(!({unchanged('control')}) || self == oldSelf)",
    ]
    return (Rule(" && ".join(kept), RUN_CHANGED_MESSAGE, why="FieldValueForbidden"),)


OPEN_TYPE_NEEDS = (("onError", "default", "default"),)
"""A field of variants, the value that needs another field, and that field, of an open type."""
_RULES: dict[type[BaseModel], tuple[Rule, ...]] = {
    Auth: _auth_rules(),
    ConnectorSpec: _connector_rules(),
    Pagination: _pagination_rules(),
    StopRules: _stop_rules(),
    ResourceSpec: _profile_rules(),
    RunWindow: _window_rules(),
    StorageSpec: (Rule("!has(self.retentionDays) || !has(self.retention)", RETENTION_MESSAGE),),
    ToDecimal: _decimal_rules(),
    WorkflowRunSpec: _run_rules(),
    WorkflowSpec: _workflow_rules(),
}
