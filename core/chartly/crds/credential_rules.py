"""The rules of the parts of a request: no credentials, and headers that can be sent."""

from chartly.api.credential import (
    COMMON_FORMS,
    CREDENTIAL_MESSAGE,
    GUARDED_NAME,
    HOLDS_CREDENTIAL_MESSAGE,
    JUDGED_NAME,
    OPEN_NAME,
    PRIVATE_NAME,
    RANDOM_MIX,
    RANDOM_VALUE,
)
from chartly.api.request import (
    HEADER_NAME,
    HEADER_NAME_MESSAGE,
    HEADER_VALUE,
    HEADER_VALUE_MESSAGE,
    OWN_HEADER,
    OWN_HEADER_MESSAGE,
)
from chartly.crds.cel_rules import Rule, literal, quoted, regex

_OF_NAME = f"a name {HOLDS_CREDENTIAL_MESSAGE}"


def no_credential() -> tuple[Rule, ...]:
    """The rules of a text that contains no credential."""
    return tuple(
        Rule(f"!self.matches({regex(form)})", HOLDS_CREDENTIAL_MESSAGE, why="FieldValueForbidden")
        for form in COMMON_FORMS
    )


def header_text_rules() -> tuple[Rule, ...]:
    """The rules of a header's value."""
    sendable = Rule(_matches("self", HEADER_VALUE), HEADER_VALUE_MESSAGE, why="FieldValueForbidden")
    return (sendable, *no_credential())


def query_rules() -> tuple[Rule, ...]:
    """The rules of names; those of the values read the values alone."""
    names = (
        Rule(f"self.all(name, !{_matches('name', form)})", _OF_NAME, why="FieldValueForbidden")
        for form in COMMON_FORMS
    )
    private = (
        f"{_matches('name', GUARDED_NAME)} || "
        f"({_matches('name', PRIVATE_NAME)} && !{_matches('name', OPEN_NAME)})"
    )
    value = "self[name]"
    random = " && ".join(
        (
            f"{_matches('name', JUDGED_NAME)} && !{_matches('name', OPEN_NAME)}",
            f"{_matches(value, RANDOM_VALUE)} && {_matches(value, RANDOM_MIX)}",
        )
    )
    return (
        *names,
        _no_name(private, CREDENTIAL_MESSAGE),
        _no_name(random, HOLDS_CREDENTIAL_MESSAGE),
    )


def header_rules() -> tuple[Rule, ...]:
    """The rules of headers' names: no credential, and a form that can be sent."""
    return (
        *query_rules(),
        _no_name(f"!{_matches('name', HEADER_NAME)}", HEADER_NAME_MESSAGE),
        _no_name(_matches("name", OWN_HEADER), OWN_HEADER_MESSAGE),
    )


def _matches(value: str, pattern: str) -> str:
    return f"{value}.matches({regex(pattern)})"


def _no_name(wrong: str, message: str) -> Rule:
    """The rule that no name is wrong; the message contains the first wrong one, never a value."""
    sentence = f"{quoted(f'self.filter(name, {wrong})[0]')} + {literal(f' {message}')}"
    return Rule(f"self.all(name, !({wrong}))", message, sentence, why="FieldValueForbidden")
