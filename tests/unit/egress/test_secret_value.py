import pytest

from chartly.egress.secret_value import LONGEST, secret_objection, secret_value

LINES = "holds more than one line; put the token alone into it"
AROUND = "has space or an empty line around the token"
CONTROL = "holds a control character, such as a tab"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_s_last_line_end_is_no_part_of_it(end):
    assert secret_value(f"canary{end}") == "canary"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("canary-7", None),
        ("a b", None),
        ("bearer", None),
        ("Bearerx", None),
        ("basic-plan-7", None),
        ("x" * LONGEST, None),
        ("", "is empty"),
        ("  \n", "holds only space"),
        ("can\x00ary", CONTROL),
        (" canary", AROUND),
        ("canary\n", AROUND),
        ("can\tary", CONTROL),
        ("canary\r\nX-Admin: 1", LINES),
        ("can\xe4ry", "is not readable as ASCII text"),
        ("x" * (LONGEST + 1), f"holds {LONGEST + 1} characters; allowed are {LONGEST}"),
        *(
            (f"{text} canary", f"begins with {scheme!r}, which auth.mode sends itself; put the token alone into it")
            for text, scheme in [
                ("Bearer", "Bearer"),
                ("bearer ", "bearer"),
                ("Token", "Token"),
                ("Basic", "Basic"),
                ("Authorization: Bearer", "Bearer"),
                ("authorization:bearer", "bearer"),
            ]
        ),
    ],
)  # fmt: skip
def test_inv_6_what_no_header_may_carry_is_told_without_being_shown(value, says):
    assert secret_objection(value) == says
    assert "canary" not in str(says)
