"""The rules of what a request carries: no credential among it, and headers that can be sent."""

from chartly.api.credential import (
    COMMON_FORMS,
    CREDENTIAL_SAYS,
    GUARDED_NAME,
    HOLDS_CREDENTIAL_SAYS,
    JUDGED_NAME,
    OPEN_NAME,
    PRIVATE_NAME,
    RANDOM_MIX,
    RANDOM_VALUE,
)
from chartly.api.request import (
    HEADER_NAME,
    HEADER_NAME_SAYS,
    HEADER_VALUE,
    HEADER_VALUE_SAYS,
    OWN_HEADER,
    OWN_HEADER_SAYS,
)
from chartly.crds.rules import Rule, literal, quoted, regex

_OF_NAME = f"a name {HOLDS_CREDENTIAL_SAYS}"


def no_credential() -> tuple[Rule, ...]:
    """The rules of a text that is no credential and holds none."""
    return tuple(
        Rule(f"!self.matches({regex(form)})", HOLDS_CREDENTIAL_SAYS, why="FieldValueForbidden")
        for form in COMMON_FORMS
    )


def header_text_rules() -> tuple[Rule, ...]:
    """The rules of a header's value."""
    sendable = Rule(_has("self", HEADER_VALUE), HEADER_VALUE_SAYS, why="FieldValueForbidden")
    return (sendable, *no_credential())


def query_rules() -> tuple[Rule, ...]:
    """The rules of names without a credential; those of the values see the values alone."""
    names = (
        Rule(f"self.all(name, !{_has('name', form)})", _OF_NAME, why="FieldValueForbidden")
        for form in COMMON_FORMS
    )
    private = (
        f"{_has('name', GUARDED_NAME)} || "
        f"({_has('name', PRIVATE_NAME)} && !{_has('name', OPEN_NAME)})"
    )
    value = "self[name]"
    random = " && ".join(
        (
            f"{_has('name', JUDGED_NAME)} && !{_has('name', OPEN_NAME)}",
            f"{_has(value, RANDOM_VALUE)} && {_has(value, RANDOM_MIX)}",
        )
    )
    return (*names, _no_name(private, CREDENTIAL_SAYS), _no_name(random, HOLDS_CREDENTIAL_SAYS))


def header_rules() -> tuple[Rule, ...]:
    """The rules of headers' names: without a credential, and such that they can be sent."""
    return (
        *query_rules(),
        _no_name(f"!{_has('name', HEADER_NAME)}", HEADER_NAME_SAYS),
        _no_name(_has("name", OWN_HEADER), OWN_HEADER_SAYS),
    )


def _has(value: str, pattern: str) -> str:
    return f"{value}.matches({regex(pattern)})"


def _no_name(wrong: str, says: str) -> Rule:
    """The rule that nothing is wrong with any name; the sentence shows the first, never a value."""
    shown = f"{quoted(f'self.filter(name, {wrong})[0]')} + {literal(f' {says}')}"
    return Rule(f"self.all(name, !({wrong}))", says, shown, why="FieldValueForbidden")
