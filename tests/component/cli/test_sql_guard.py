"""What ``chartly query`` may send to an engine that runs with this process's powers: INV-8."""

import pytest

from chartly.errors import SpecError
from chartly.query.adhoc_query import check_select

TABLES = {"sales_events", "sales_rollup_daily"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "select count() from sales_events;",
        "SELECT * FROM sales_events AS e JOIN sales_rollup_daily AS r ON e.currency = r.currency",
        "WITH a AS (SELECT 1 AS n) SELECT n FROM a",
        "WITH\na AS (SELECT 1 AS n)\nSELECT n FROM a",
        "SELECT 1 UNION ALL SELECT 2",
        "SELECT * FROM (SELECT 1)",
        "SELECT * FROM sales_events WHERE currency IN ('EUR', 'USD')",
        "SELECT * FROM sales_events WHERE currency IN (SELECT currency FROM sales_rollup_daily)",
        "SELECT currency, sum(amount) FROM sales_events GROUP BY currency ORDER BY 2 LIMIT 3",
    ],
)
def test_one_select_over_the_projects_tables_passes(sql):
    assert check_select(sql, TABLES) == sql.rstrip(";")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "must be exactly one SELECT"),
        ("SELECT", "SELECT names no column"),
        ("EXPLAIN SELECT 1", "must be exactly one SELECT"),
        ("SHOW TABLES", "must be exactly one SELECT"),
        ("INSERT INTO sales_events VALUES (1)", "must be exactly one SELECT"),
        ("DROP TABLE sales_events", "must be exactly one SELECT"),
        ("ALTER TABLE sales_events DELETE WHERE 1", "must be exactly one SELECT"),
        ("WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a", "query: "),
        ("SELECT 1; DROP TABLE sales_events", "';' is not allowed"),
        ("SELECT 1 # x", "comment"),
        ("SELECT 1\nFROM sales_events\nWHER x = 1", "line 3, column 6: 'x' is not expected here"),
        ("SELECT 1 FROM sales_events WHERE", "line 1, column 28: something is missing at 'WHERE'"),
        ("SELECT (a-b FROM sales_events", "')' is missing at 'FROM'"),
        ("SELECT * FROM other-events", "line 1, column 15: the name of a table has '_' where"),
        ("SELECT $$a$$", "'$' is not allowed"),
        ("SELECT '", "a string that does not end"),
        ("SELECT " + "(" * 3000 + "1", "query: "),
        ("SELECT * FROM sales_events INTO OUTFILE '/tmp/x'", "query: "),
        ("SELECT 1 FORMAT CSV", "FORMAT is not allowed"),
        ("SELECT 1 SETTINGS readonly = 0", "SETTINGS is not allowed"),
        ("SELECT * FROM (SELECT 1 SETTINGS readonly = 0)", "SETTINGS is not allowed"),
        ("SELECT 1 UNION ALL SELECT 1 SETTINGS readonly = 0", "SETTINGS is not allowed"),
        ("SELECT * FROM sales_event", "did you mean 'sales_events'?"),
        ("SELECT * FROM other.sales_events", "is not there or may not be read; "),
        ("SELECT * FROM system.tables", "is not there or may not be read; "),
        ("SELECT * FROM `system.tables`", "is not there or may not be read; "),
        ("SELECT 1 FROM sales_events, system.one", "is not there or may not be read; "),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM system.one)", "is not there or may not be read; "),
        ("SELECT 1 WHERE 1 IN (SELECT 1 FROM system.one)", "is not there or may not be read; "),
        ("SELECT 1 WHERE 1 IN system.one", "IN takes values, a subquery or a table, not "),
        ("SELECT 1 WHERE 1 NOT IN system.one", "IN takes values, a subquery or a table, not "),
        ("SELECT 1 WHERE 1 GLOBAL IN system.one", "IN takes values, a subquery or a table, not "),
        ("SELECT 1 WHERE 1 IN (system.one)", "IN takes values, a subquery or a table, not "),
        ("SELECT globalIn(1, system.one)", "IN takes values"),
        ("SELECT notIn(1, system.one)", "query: "),
        ("SELECT * FROM file('/etc/passwd', 'LineAsString')", "is not there or may not be read; "),
        ("SELECT * FROM url('http://169.254.169.254/')", "is not there or may not be read; "),
        ("SELECT * FROM s3('x')", "is not there or may not be read; "),
        ("SELECT * FROM executable('x')", "is not there or may not be read; "),
        ("SELECT * FROM python('x')", "is not there or may not be read; "),
        ("SELECT * FROM merge('other', '.*')", "is not there or may not be read; "),
        ("SELECT * FROM view(SELECT * FROM system.one)", "is not there or may not be read; "),
        ("SELECT file('/etc/passwd')", "function file() is not allowed"),
        ("SELECT `file`('/etc/passwd')", "function file() is not allowed"),
        ("SELECT FILE('/etc/passwd')", "is not allowed"),
        ("WITH file('/etc/passwd') AS x SELECT x", "function file() is not allowed"),
        ("SELECT sleep(3)", "function sleep() is not allowed"),
        ("SELECT dictGetString('a', 'b', 1)", "function dictGetString() is not allowed"),
        ("SELECT joinGet('other.t', 'x', 1)", "function joinGet() is not allowed"),
        ("SELECT hasColumnInTable('system', 'one', 'dummy')", "hasColumnInTable() is not allowed"),
        ("SELECT catboostEvaluate('/m.bin', 1)", "catboostEvaluate() is not allowed"),
    ],
)
def test_everything_else_is_refused_with_a_sentence(sql, says):
    """INV-8: nothing of another project, of the machine or of the network is read."""
    with pytest.raises(SpecError) as caught:
        check_select(sql, TABLES)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
