import hashlib
import re

import pytest

from chartly.load.grants import (
    ANALYST_LIMITS,
    AUDIT,
    LOADER_LIMITS,
    analyst_user,
    create_users,
    loader_user,
    password_hash,
)
from chartly.load.query_output import SETTINGS

DATABASE = "tenant_demo__proj_sales"
ONE, TWO = "1" * 64, "2" * 64
GOLDEN = """\
CREATE DATABASE IF NOT EXISTS `tenant_demo__proj_sales`
CREATE SETTINGS PROFILE IF NOT EXISTS `tenant_demo__proj_sales_loader`
ALTER SETTINGS PROFILE `tenant_demo__proj_sales_loader` SETTINGS max_memory_usage_for_user = 8589934592 CONST, max_concurrent_queries_for_user = 128 CONST
CREATE SETTINGS PROFILE IF NOT EXISTS `tenant_demo__proj_sales_analyst`
ALTER SETTINGS PROFILE `tenant_demo__proj_sales_analyst` SETTINGS readonly = 1, allow_ddl = 0, allow_introspection_functions = 0, max_execution_time = 60, max_memory_usage = 4294967296, max_memory_usage_for_user = 8589934592, max_threads = 4, max_result_rows = 1000000, max_result_bytes = 1073741824, max_concurrent_queries_for_user = 8, date_time_output_format = 'iso', output_format_decimal_trailing_zeros = 0, output_format_json_escape_forward_slashes = 0, output_format_json_map_as_array_of_tuples = 0, output_format_json_named_tuples_as_objects = 1, output_format_json_quote_64bit_floats = 0, output_format_json_quote_64bit_integers = 0, output_format_json_quote_decimals = 1, output_format_json_quote_denormals = 1, output_format_json_validate_utf8 = 0
CREATE USER IF NOT EXISTS `tenant_demo__proj_sales_loader` IDENTIFIED WITH sha256_hash BY '1111111111111111111111111111111111111111111111111111111111111111' DEFAULT DATABASE `tenant_demo__proj_sales` SETTINGS PROFILE 'tenant_demo__proj_sales_loader'
ALTER USER `tenant_demo__proj_sales_loader` IDENTIFIED WITH sha256_hash BY '1111111111111111111111111111111111111111111111111111111111111111' DEFAULT DATABASE `tenant_demo__proj_sales` SETTINGS PROFILE 'tenant_demo__proj_sales_loader'
CREATE USER IF NOT EXISTS `tenant_demo__proj_sales_analyst` IDENTIFIED WITH sha256_hash BY '2222222222222222222222222222222222222222222222222222222222222222' DEFAULT DATABASE `tenant_demo__proj_sales` SETTINGS PROFILE 'tenant_demo__proj_sales_analyst'
ALTER USER `tenant_demo__proj_sales_analyst` IDENTIFIED WITH sha256_hash BY '2222222222222222222222222222222222222222222222222222222222222222' DEFAULT DATABASE `tenant_demo__proj_sales` SETTINGS PROFILE 'tenant_demo__proj_sales_analyst'
GRANT SHOW, SELECT, INSERT, ALTER TABLE, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW ON `tenant_demo__proj_sales`.* TO `tenant_demo__proj_sales_loader`
GRANT TABLE ENGINE ON ReplacingMergeTree TO `tenant_demo__proj_sales_loader`
REVOKE ALTER, DROP ON `tenant_demo__proj_sales`.`__audit` FROM `tenant_demo__proj_sales_loader`
GRANT SELECT(active, bytes_on_disk, database, table) ON system.parts TO `tenant_demo__proj_sales_loader`
GRANT SELECT(database, expr, table, type) ON system.data_skipping_indices TO `tenant_demo__proj_sales_loader`
GRANT SELECT(database, is_readonly, table) ON system.replicas TO `tenant_demo__proj_sales_loader`
REVOKE SOURCES, INTROSPECTION, dictGet, CREATE TEMPORARY TABLE ON *.* FROM `tenant_demo__proj_sales_loader`
GRANT SELECT ON `tenant_demo__proj_sales`.* TO `tenant_demo__proj_sales_analyst`
GRANT SELECT(active, bytes_on_disk, database, table) ON system.parts TO `tenant_demo__proj_sales_analyst`
GRANT SELECT(database, expr, table, type) ON system.data_skipping_indices TO `tenant_demo__proj_sales_analyst`
REVOKE SOURCES, INTROSPECTION, dictGet, CREATE TEMPORARY TABLE ON *.* FROM `tenant_demo__proj_sales_analyst`"""
STATEMENTS = create_users(DATABASE, ONE, TWO)
LOOKED_AT = ("system.parts", "system.data_skipping_indices", "system.replicas")
"""Tables of the server that show a user only what is the user's."""


def profile_of(user):
    start = f"ALTER SETTINGS PROFILE `{user(DATABASE)}`"
    return next(one for one in STATEMENTS if one.startswith(start))


def test_the_statements_are_the_golden_ones():
    assert "\n".join(STATEMENTS) == GOLDEN


def test_the_same_project_gives_the_same_statements():
    """Asked twice, nothing changes: what makes something tolerates it, what changes it repeats."""
    assert create_users(DATABASE, ONE, TWO) == STATEMENTS
    made = [one for one in STATEMENTS if one.startswith("CREATE")]
    assert made
    assert all(" IF NOT EXISTS " in one for one in made)
    assert [one for one in STATEMENTS if re.match(r"DROP|.*OR REPLACE", one)] == []


def test_users_are_named_after_the_database():
    assert loader_user(DATABASE) == "tenant_demo__proj_sales_loader"
    assert analyst_user(DATABASE) == "tenant_demo__proj_sales_analyst"


def test_no_two_projects_share_a_user():
    """INV-8: the last two underscores in a row end the tenant, the last one the project."""
    databases = ["a__b", "a_b__c", "a__b_c", "a__b_loader", "a__b_analyst"]
    users = [user(one) for one in databases for user in (loader_user, analyst_user)]
    assert len(set(users)) == len(users)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_is_granted_is_of_the_project_s_own_database(statement):
    """INV-8."""
    if statement.startswith("GRANT"):
        where = re.search(r" ON (\S+) TO ", statement)[1]
        assert where in {f"`{DATABASE}`.*", "ReplacingMergeTree", *LOOKED_AT}
        assert "GRANT OPTION" not in statement
        assert not re.search(r"\bALL\b|FILE|URL|S3|REMOTE|ACCESS MANAGEMENT|USER,", statement)


def test_the_analyst_may_only_read():
    granted = [one for one in STATEMENTS if one.startswith("GRANT") and "_analyst`" in one]
    assert all(re.match(r"GRANT SELECT(\([a-z_, ]+\))? ON ", one) for one in granted)
    profile = profile_of(analyst_user)
    assert " SETTINGS readonly = 1, " in profile
    assert all(f"{name} = {value}" in profile for name, value in ANALYST_LIMITS.items())
    assert all(f"{name} = " in profile for name in SETTINGS), "chartly query sets them"


def test_the_loader_has_limits_that_it_cannot_change():
    """INV-8: no project takes a server's memory or all of its queries."""
    profile = profile_of(loader_user)
    assert {"max_memory_usage_for_user", "max_concurrent_queries_for_user"} == {*LOADER_LIMITS}
    assert all(f"{name} = {value} CONST" in profile for name, value in LOADER_LIMITS.items())
    assert any(
        one.startswith("ALTER USER") and one.endswith(f"SETTINGS PROFILE '{DATABASE}_loader'")
        for one in STATEMENTS
    ), "also a loader that was made without"


def test_neither_user_keeps_a_way_to_files_addresses_or_the_server():
    """INV-8: also users that were there before, with more."""
    for user in (loader_user, analyst_user):
        last = [one for one in STATEMENTS if f"`{user(DATABASE)}`" in one][-1]
        assert last == (
            "REVOKE SOURCES, INTROSPECTION, dictGet, CREATE TEMPORARY TABLE ON *.* "
            f"FROM `{user(DATABASE)}`"
        )


def test_the_loader_may_add_to_the_audit_trail_and_nothing_else():
    """INV-9."""
    grant = next(one for one in STATEMENTS if one.startswith("GRANT SHOW"))
    revoke = next(one for one in STATEMENTS if one.startswith("REVOKE ALTER"))
    assert STATEMENTS.index(revoke) > STATEMENTS.index(grant)
    assert f"`{AUDIT}`" in revoke


def test_statements_hold_hashes_and_never_a_password():
    """INV-6: the store's own log of statements shows nothing to log in with."""
    password = "canary-2b9f"
    text = "\n".join(create_users(DATABASE, password_hash(password), password_hash("other")))
    assert password not in text
    assert hashlib.sha256(b"canary-2b9f").hexdigest() in text
