"""The words of an engine's refusals, each as an engine has written it."""

import pytest

from chartly_store.engine_refusal import EngineRefusal, engine_refusal

COUNT = "Column 'd.t.k' is not under aggregate function and not in GROUP BY keys"


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("the store refused: Code: 47. DB::Exception: Unknown expression identifier `n`. Maybe you meant: ['m']. In scope SELECT n FROM t. (UNKNOWN_IDENTIFIER)", EngineRefusal(47, "Unknown expression identifier `n`", "n")),
        ("Code: 47. DB::Exception: Identifier 'o.x' cannot be resolved from table with name o (an alias of t). In scope SELECT o.x FROM t AS o. (UNKNOWN_IDENTIFIER)", EngineRefusal(47, "Identifier 'o.x' cannot be resolved from table with name o (an alias of t)", "o.x")),
        ("Code: 43. DB::Exception: Illegal types A and B of arguments of function plus: In scope SELECT a + b FROM t. (ILLEGAL_TYPE_OF_ARGUMENT)", EngineRefusal(43, "Illegal types A and B of arguments of function plus")),
        (f"Code: 215. DB::Exception: {COUNT}. In query SELECT k, count() FROM t. (NOT_AN_AGGREGATE)", EngineRefusal(215, COUNT)),
        ("Code: 62. DB::Exception: Syntax error: failed at position 57 (b) (line 1, col 57): b ) LIMIT 10 FORMAT X. Expected one of: Dot", EngineRefusal(62, "it is not SQL that the store can read at 'b'")),
        ("Code: 241. DB::Exception: memory of 'identifier `x`'. (MEMORY_LIMIT_EXCEEDED)", EngineRefusal(241, "memory of 'identifier `x`'")),
        ("connection refused", None),
    ],
)  # fmt: skip
def test_a_refusal_has_neither_code_nor_suffix(message, refusal):
    assert engine_refusal(message) == refusal
