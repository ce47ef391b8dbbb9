# ruff: noqa: RUF001 - typographic quotes are what is tried
"""Texts that try to read what is not theirs, or that a parser and an engine may read differently.

``@`` stands for the table that may be read and ``&`` for the condition that a roll-up needs.
"""

from dataclasses import dataclass

TABLES = frozenset(("people", "sales"))
EDGES = "at >= {{window_start}} AND at < {{window_end}}"


@dataclass(frozen=True)
class Row:
    """One text.

    Attributes:
        text: with its signs.
        passes: "nothing", "query", "rollup" or "both": the gates that let it through.
        reads: the relations of a text that passes, but for ``@``.
        because: what is tried.
    """

    text: str
    passes: str
    reads: tuple[str, ...]
    because: str

    @property
    def query(self) -> str:
        """As it is given to ``chartly query``."""
        return self.text.replace("@", "people").replace("&", "n > 0")

    @property
    def rollup(self) -> str:
        """As it stands in an analytics profile."""
        return self.text.replace("@", "{{dataset}}").replace("&", EDGES)


def _refused(text: str, because: str) -> Row:
    return Row(text, "nothing", (), because)


def _spaces() -> list[Row]:
    odd = "\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000\x0b\x0c\x85"
    odd += "\ufeff\u200b\u200d\u200e\u200f\u202e\u2066\u180e\u00ad\x00\x01\x1b\x7f"
    return [
        _refused(f"SELECT{sign}1 AS a FROM @ WHERE &", f"{sign!a} between words") for sign in odd
    ]


def _quotes() -> list[Row]:
    pairs = [("‘", "’"), ("“", "”"), ("‚", "‘"), ("„", "“"), ("«", "»"), ("‹", "›")]
    pairs += [
        ("′", "′"),
        ("″", "″"),
        ("\uff02", "\uff02"),
        ("\uff07", "\uff07"),
        ("´", "´"),
        ("’", "’"),
    ]
    rows = []
    for opening, closing in pairs:
        hidden = f"SELECT {opening}||'{closing}, * FROM file({opening}token{closing}, {opening}LineAsString{closing}) ORDER BY {opening}'{closing}"
        rows.append(_refused(hidden, f"a table function between {opening} and {closing}"))
        rows.append(
            _refused(f"SELECT {opening}a{closing} AS a FROM @ WHERE &", f"text in {opening}")
        )
    return rows


def _table_functions() -> list[Row]:
    calls = [
        "file('token', 'LineAsString')", "FILE('token', 'LineAsString')", "File('token')",
        '"file"(\'token\', \'LineAsString\')', "`file`('token')", "file ('token')", "file/**/('token')",
        "fileCluster('c', 'token')", "url('http://127.0.0.1:9/', 'LineAsString')", "urlCluster('c', 'http://127.0.0.1:9/')",
        "s3('http://127.0.0.1:9/b/k')", "gcs('http://127.0.0.1:9/b/k')", "azureBlobStorage('x')", "hdfs('hdfs://x/y')",
        "remote('127.0.0.1', other.people)", "remoteSecure('127.0.0.1', other.people)", "cluster('c', other.people)",
        "clusterAllReplicas('c', other, people)", "mysql('h:1', 'd', 't', 'u', 'p')", "postgresql('h:1', 'd', 't', 'u', 'p')",
        "mongodb('h:1', 'd', 't', 'u', 'p', 'a String')", "redis('h:1', 'k', 'k String')", "sqlite('db', 't')",
        "odbc('d', 't')", "jdbc('d', 't')", "executable('ls', 'TSV', 'a String')", "input('a String')",
        "merge('other', '.*')", "merge(other, '.*')", "view(SELECT * FROM other.people)",
        "viewIfPermitted(SELECT * FROM other.people ELSE null('k String'))", "viewExplain('EXPLAIN', '', (SELECT 1))",
        "loop(other, people)", "loop(other.people)", "dictionary('other.d')", "python('x')", "numbers(3)", "numbers_mt(3)",
        "zeros(3)", "generateRandom('a Int8')", "generateSeries(1, 3)", "generate_series(1, 3)", "primes(3)",
        "values('a Int8', 1)", "format(JSONEachRow, '{}')", "null('a Int8')", "iceberg('x')", "deltaLake('x')", "hudi('x')",
        "paimonLocal('x')", "icebergLocal('x')", "deltaLakeLocal('x')", "mergeTreeIndex(other, people)", "filesystem('/')",
        "mergeTreeProjection(other, people, p)", "timeSeriesData(other.people)", "eval('SELECT 1')", "fuzzQuery('SELECT 1')",
        "fuzzJSON('x')", "prometheusQuery('x')", "ytsaurus('x')", "arrowstream('x')", "bigquery('x')", "people(1)", "lower('people')",
    ]  # fmt: skip
    return [_refused(f"SELECT 1 AS a FROM {call}, @ WHERE &", f"rows of {call}") for call in calls]


def _operands() -> list[Row]:
    forms = [
        "k IN {}", "k NOT IN {}", "k GLOBAL IN {}", "k GLOBAL NOT IN {}", "k IN ({})", "k IN (({}))", "k in\n{}",
        "notIn(k, {})", "globalIn(k, {})", "globalNotIn(k, {})", "nullIn(k, {})", "notNullIn(k, {})", "globalNullIn(k, {})",
        "globalNotNullIn(k, {})", "inIgnoreSet(k, {})", "notInIgnoreSet(k, {})", "`in`(k, {})", '"notIn"(k, {})', "NOTIN(k, {})",
        "tuple(k) IN {}", "(k, k) IN {}", "NOT k IN {}", "has([k IN {}], 1)", "arrayExists(x -> x IN {}, [k])",
        "CASE WHEN k IN {} THEN 1 ELSE 0 END", "if(k IN {}, 1, 0)", "n = (SELECT k IN {} FROM @ WHERE &)", "k IN {} = 1",
        "k IN (SELECT k FROM {})", "EXISTS (SELECT 1 FROM {})", "k IN (SELECT k FROM (SELECT * FROM {}))", "k = ANY (SELECT k FROM {})",
        "k > ALL (SELECT k FROM {})", "k IN (SELECT k FROM @ WHERE & UNION ALL SELECT k FROM {})", "(SELECT max(k) FROM {}) = k",
    ]  # fmt: skip
    targets = ["other.people", "`other`.`people`", "system.one", "secrets"]
    return [
        _refused(
            f"SELECT 1 AS a FROM @ WHERE & AND {form.format(target)}", f"{form.format(target)}"
        )
        for form in forms
        for target in (targets if form.startswith("k") else targets[:1])
    ]


def _called() -> list[Row]:
    calls = [
        "file('token')", "FILE('token')", "`file`('token')", '"file"(\'token\')', "file ('token')", "file\n('token')",
        "file/* */('token')", "file -- x\n('token')", "dictGet('other.d', 'a', 1)", "dictGetOrDefault('d', 'a', 1, 2)",
        "dictHas('d', 1)", "dictGetString('d', 'a', 1)", "dictGetHierarchy('d', 1)", "joinGet('other.people', 'k', 'a')",
        "joinGetOrNull(other.people, 'k', 'a')", "getSetting('max_threads')", "getSettingOrDefault('x', 1)", "getMacro('x')",
        "getServerSetting('path')", "getServerPort('tcp_port')", "getMergeTreeSetting('x')", "globalVariable('x')",
        "hasColumnInTable('other', 'people', 'k')", "sleep(3)", "sleepEachRow(3)", "addressToLine(1)", "addressToSymbol(1)",
        "demangle('x')", "logTrace('x')", "tid()", "hostName()", "FQDN()", "serverUUID()", "tcpPort()", "buildId()",
        "filesystemAvailable()", "filesystemCapacity()", "filesystemUnreserved()", "showCertificate()", "getOSKernelVersion()",
        "currentProfiles()", "currentRoles()", "enabledRoles()", "getClientHTTPHeader('x')", "connectionId()", "queryID()",
        "initialQueryID()", "transactionID()", "zookeeperSessionUptime()", "errorCodeToName(1)", "catboostEvaluate('x', 1)",
        "evalMLMethod(1, 2)", "naiveBayesClassifier('x', 'y')", "regionToName(1)", "fuzzQuery('SELECT 1')", "aiGenerate('x')",
        "AIGenerate('x')", "aiEmbed('x')", "encrypt('aes-128-ecb', 'a', 'b')", "decrypt('aes-128-ecb', 'a', 'b')",
        "throwIf(1)", "aggThrow(1)", "arrayReduce('sum', [1])", "arrayReduceInRanges('sum', [(1, 1)], [1])",
        "initializeAggregation('sum', 1)", "finalizeAggregation(n)", "runningAccumulate(n)", "__getScalar('x')", "_CAST(1, 'Int8')",
        "arrayMap(file, ['token'])", "arrayMap(`file`, ['token'])", "arrayMap((file), ['token'])", "arrayFilter(file, ['token'])",
        "arrayExists(dictGet, ['d'])", "arraySort(file, ['token'])", "arrayMap(lower, ['A'])", "mapApply(file, map('a', 'b'))",
        "ARRAYMAP(file, ['token'])", "arrayMap(x -> file(x), ['token'])", "arrayFold(file, ['a'], 'b')",
        "(x -> file(x))('token')", "lambda(x, file(x))", "COLUMNS('k')", "eval('1')", "nosuch(1)", "people(k)", "view(SELECT 1)",
        "sumState(n)", "sumMerge(n)", "structureToProtobufSchema('x')", "formatQuery('x')", "flameGraph(1)", "timeSeriesStoreTags(1)",
    ]  # fmt: skip
    return [_refused(f"SELECT {call} AS a FROM @ WHERE &", f"calls {call}") for call in calls]


_LEXED = [
    _refused("SELECT 1 AS a # x\nFROM @ WHERE &", "a comment to one of them"),
    _refused("SELECT 1 AS a #! x\nFROM @ WHERE &", "a comment to one of them"),
    _refused("SELECT 1 AS a /* /* */ FROM @ WHERE & /* */ */", "comments in comments"),
    _refused("SELECT 1 AS a /* /* */ , file('token') AS b /* */ FROM @ WHERE &", "code in one reading"),
    _refused("SELECT 1 AS a /* FROM @ WHERE &", "a comment without end"),
    _refused("SELECT 1 AS a */ FROM @ WHERE &", "the end of no comment"),
    _refused("SELECT $$x$$ AS a FROM @ WHERE &", "a heredoc"),
    _refused("SELECT $t$'$t$ AS a, $t$ FROM file('token') $t$ AS b FROM @ WHERE &", "a heredoc with a tag"),
    _refused("SELECT 1 AS a$b FROM @ WHERE &", "a dollar in a name"),
    _refused("SELECT $1 AS a FROM @ WHERE &", "a position"),
    _refused("SELECT {p:Identifier} AS a FROM @ WHERE &", "a parameter"),
    _refused("SELECT 1 AS a FROM {p:Identifier}, @ WHERE &", "a parameter for a table"),
    _refused("SELECT {'a': 1} AS a FROM @ WHERE &", "braces"),
    _refused("SELECT {{nosuch}} AS a FROM @ WHERE &", "a placeholder that is none"),
    _refused("SELECT `a\\`b` AS a FROM @ WHERE &", "a backslash in a name"),
    _refused('SELECT "a\\"b" AS a FROM @ WHERE &', "a backslash in a name"),
    _refused("SELECT `a``b` AS a FROM @ WHERE &", "quotes in quotes"),
    _refused('SELECT "a""b" AS a FROM @ WHERE &', "quotes in quotes"),
    _refused("SELECT `` AS a FROM @ WHERE &", "no name in quotes"),
    _refused("SELECT `ä` AS a FROM @ WHERE &", "a name beyond ASCII"),
    _refused("SELECT ä AS a FROM @ WHERE &", "a word beyond ASCII"),
    _refused("SELECT 'a AS a FROM @ WHERE &", "a string without end"),
    _refused("SELECT 'a\\' AS a FROM @ WHERE &", "a string whose end is escaped"),
    _refused("SELECT 'a\x00b' AS a FROM @ WHERE &", "a NUL in a string"),
    _refused("SELECT '\ud800' AS a FROM @ WHERE &", "half a character"),
    _refused("SELECT 0x10 AS a FROM @ WHERE &", "a number to one of them"),
    _refused("SELECT 0b11 AS a FROM @ WHERE &", "a number to one of them"),
    _refused("SELECT 1_000 AS a FROM @ WHERE &", "a number to one of them"),
    _refused("SELECT 1e5.5 AS a FROM @ WHERE &", "a number and what is behind it"),
    _refused("SELECT 1.5.5 AS a FROM @ WHERE &", "a number and what is behind it"),
    _refused("SELECT 1. AS a FROM @ WHERE &", "a number that ends with its point"),
    _refused("SELECT 1a FROM @ WHERE &", "a number that becomes a name"),
    _refused("SELECT x'41' AS a FROM @ WHERE &", "a string of hex digits"),
    _refused("SELECT b'01' AS a FROM @ WHERE &", "a string of bits"),
    _refused("SELECT N'x' AS a FROM @ WHERE &", "a string of another kind"),
    _refused("SELECT e'x' AS a FROM @ WHERE &", "a string of another kind"),
    _refused("SELECT 1 AS a FROM @ WHERE & ^ 2", "a sign of neither"),
    _refused("SELECT 1 AS a | 2 FROM @ WHERE &", "a sign of one of them"),
    _refused("SELECT a:b FROM @ WHERE &", "a path to one of them"),
    _refused("SELECT ! 1 AS a FROM @ WHERE &", "a sign of neither"),
    _refused("SELECT 1 −1 AS a FROM @ WHERE &", "a minus to one of them"),
    _refused("SELECT 1 AS a FROM @ WHERE & \\", "a backslash"),
    _refused("SELECT 1 AS a FROM @ WHERE & \\G", "a command of a client"),
]  # fmt: skip

_STATEMENTS = [
    _refused("", "nothing"),
    _refused("-- SELECT 1 AS a FROM @ WHERE &", "only a comment"),
    _refused("TABLE @", "a table without SELECT"),
    _refused("VALUES (1)", "rows without SELECT"),
    _refused("SHOW TABLES", "another statement"),
    _refused("DESCRIBE @", "another statement"),
    _refused("EXISTS TABLE @", "another statement"),
    _refused("USE other", "another database"),
    _refused("SET readonly = 0", "a setting"),
    _refused("EXPLAIN SELECT 1 AS a FROM @ WHERE &", "an explanation"),
    _refused("EXPLAIN INSERT INTO people SELECT 1 AS a FROM @ WHERE &", "a write to explain"),
    _refused("SELECT * FROM (EXPLAIN SELECT 1) , @ WHERE &", "an explanation as a table"),
    _refused("INSERT INTO people SELECT 1 AS a FROM @ WHERE &", "a write"),
    _refused("WITH x AS (SELECT 1) INSERT INTO people SELECT 1 AS a FROM @ WHERE &", "a write behind WITH"),
    _refused("INSERT INTO FUNCTION file('x') SELECT 1 AS a FROM @ WHERE &", "a write to a file"),
    _refused("CREATE TABLE x ENGINE = Memory AS SELECT 1 AS a FROM @ WHERE &", "a table"),
    _refused("CREATE VIEW x AS SELECT 1 AS a FROM @ WHERE &", "a view"),
    _refused("CREATE FUNCTION f AS x -> x", "a function"),
    _refused("DROP TABLE people", "no table"),
    _refused("TRUNCATE TABLE people", "an empty table"),
    _refused("ALTER TABLE people DELETE WHERE 1", "a mutation"),
    _refused("SYSTEM SHUTDOWN", "the end"),
    _refused("KILL QUERY WHERE 1", "the end of others"),
    _refused("GRANT ALL ON *.* TO x", "a right"),
    _refused("BACKUP TABLE people TO File('x')", "a file"),
    _refused("SELECT 1 AS a FROM @ WHERE &; SELECT 2", "two statements"),
    _refused("SELECT 1 AS a FROM @ WHERE &;;", "an empty statement"),
    _refused("; SELECT 1 AS a FROM @ WHERE &", "an empty statement"),
    _refused("SELECT 1 AS a FROM @ WHERE & PARALLEL WITH SELECT 2 AS a", "a statement beside it"),
    _refused("SELECT 1 AS a FROM @ WHERE & PARALLEL WITH DROP TABLE people", "a statement beside it"),
    _refused("SELECT 1 AS a FROM @ WHERE & INTO OUTFILE 'x'", "a file"),
    _refused("SELECT 1 AS a INTO OUTFILE 'x' FROM @ WHERE &", "a file"),
    _refused("SELECT 1 AS a INTO x FROM @ WHERE &", "a table"),
    _refused("SELECT 1 AS a FROM @ WHERE & FORMAT Null", "a format"),
    _refused("SELECT 1 AS a FROM (SELECT 1 FORMAT Null), @ WHERE &", "a format within"),
    _refused("SELECT 1 AS a FROM @ WHERE & SETTINGS readonly = 0", "a setting"),
    _refused("SELECT 1 AS a FROM (SELECT * FROM @ WHERE & SETTINGS max_threads = 1)", "a setting within"),
    _refused("SELECT 1 AS a FROM @ WHERE & AND n IN (SELECT 1 SETTINGS max_threads = 1)", "a setting within"),
    _refused("SELECT 1 AS a FROM @ WHERE & UNION ALL SELECT 1 AS a SETTINGS max_threads = 1", "a setting at the end"),
    _refused("SELECT 1 AS a FROM @ WHERE & FOR UPDATE", "a lock"),
    _refused("SELECT 1 AS a FROM @ SAMPLE 0.1 WHERE &", "a sample"),
    _refused("SELECT 1 AS a FROM @ WHERE & AND k IN CURRENT_USER . people", "a qualifier that is a call to the parser"),
    _refused("SELECT 1 AS a FROM @ TABLESAMPLE (1) WHERE &", "a sample of one of them"),
    _refused("SELECT 1 AS a FROM @ PIVOT(sum(n) FOR k IN ('x')) WHERE &", "a form of one of them"),
    _refused("SELECT 1 AS a FROM @ LATERAL VIEW explode(x) t WHERE &", "a form of one of them"),
    _refused("SELECT 1 AS a FROM @, LATERAL (SELECT 1) WHERE &", "a form of one of them"),
    _refused("SELECT 1 AS a FROM @, UNNEST([1]) WHERE &", "a form of one of them"),
    _refused("SELECT 1 AS a FROM @, (VALUES (1)) WHERE &", "rows in FROM"),
    _refused("SELECT 1 AS a FROM (SELECT 1) AS x(y), @ WHERE &", "names for columns"),
    _refused("SELECT TOP 3 1 AS a FROM @ WHERE &", "a word of one of them"),
    _refused("SELECT " + "(" * 3000 + "1", "nested without end"),
    _refused("SELECT 1 AS a FROM @ WHERE & AND (", "an end in the middle"),
    _refused("SELECT * APPLY(file) FROM @ WHERE &", "a function by name"),
    _refused("SELECT * APPLY file FROM @ WHERE &", "a function by name without brackets"),
    _refused("SELECT k.* APPLY(sum) FROM @ k WHERE &", "a function by name"),
    _refused("SELECT COLUMNS('k') APPLY(x -> file(x)) FROM @ WHERE &", "a function in a lambda"),
    _refused("SELECT * REPLACE (file('token') AS k) FROM @ WHERE &", "a function in place of a column"),
    _refused("WITH x -> file(x) AS f SELECT f('token') AS a FROM @ WHERE &", "a function of one's own"),
    _refused("WITH (x -> file(x)) AS lower SELECT lower('token') AS a FROM @ WHERE &", "a function under a good name"),
    _refused("SELECT (x -> x) AS f, f('token') AS a FROM @ WHERE &", "a function of one's own"),
]  # fmt: skip

_TABLES = [
    _refused(f"SELECT 1 AS a FROM {table}, @ WHERE &", f"the table {table}")
    for table in (
        "system.tables", "system . tables", "`system`.`tables`", '"system"."tables"', "SYSTEM.tables", "`system.tables`",
        "information_schema.tables", "INFORMATION_SCHEMA.TABLES", "other.people", "other.`people`", "default.people",
        "secrets", "People", "PEOPLE", "`People`", "__nosuch", "a.b.c", "secrets AS people", "other.people AS people",
        "(SELECT * FROM other.people)", "(SELECT * FROM (SELECT * FROM secrets))", "(secrets)", "((SELECT 1 FROM secrets))",
        "_table_function.file", "`file('token')`", "(WITH x AS (SELECT 1) SELECT * FROM secrets)",
    )
] + [
    _refused(f"SELECT 1 AS a FROM @ {join} WHERE &", join)
    for join in (
        "JOIN secrets USING (k)", "LEFT JOIN other.people AS o ON o.k = k", "CROSS JOIN secrets", "ANY LEFT JOIN secrets USING k",
        "ASOF JOIN secrets USING (k, n)", "SEMI LEFT JOIN secrets USING k", "ANTI JOIN secrets USING k", "PASTE JOIN secrets",
        "GLOBAL JOIN secrets USING k", "JOIN (SELECT * FROM secrets) AS s USING k", "ARRAY JOIN [1] AS x JOIN secrets USING k",
        "LEFT ARRAY JOIN [1] AS x CROSS JOIN secrets", ", secrets", "AS p, secrets AS q", "FINAL JOIN secrets USING k",
        "JOIN file('token') AS f USING k", "NATURAL JOIN secrets", "JOIN people USING k JOIN other.people USING k",
    )
]  # fmt: skip

_NAMES = [
    _refused("SELECT (WITH big AS (SELECT 1 AS n) SELECT n FROM big) AS a FROM big, @ WHERE &", "a CTE within lends its name"),
    _refused("SELECT 1 AS a FROM (WITH big AS (SELECT 1) SELECT * FROM big), big, @ WHERE &", "a CTE beside lends its name"),
    _refused("SELECT 1 AS a FROM (WITH secrets AS (SELECT 1) SELECT 1), secrets, @ WHERE &", "a CTE beside lends a table's name"),
    _refused("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT 1 AS a FROM a, @ WHERE &", "a CTE before the one it names"),
    _refused("WITH secrets AS (SELECT * FROM secrets) SELECT 1 AS a FROM secrets, @ WHERE &", "a CTE that reads its namesake"),
    _refused("WITH Big AS (SELECT 1) SELECT 1 AS a FROM big, @ WHERE &", "a CTE in other letters"),
    _refused("WITH big AS (SELECT 1) SELECT 1 AS a FROM BIG, @ WHERE &", "a CTE in other letters"),
    _refused("WITH 1 AS secrets SELECT 1 AS a FROM secrets, @ WHERE &", "a value's name"),
    _refused("WITH (SELECT 1) AS secrets SELECT 1 AS a FROM secrets, @ WHERE &", "a scalar's name"),
    _refused("WITH secrets AS s SELECT 1 AS a FROM @ WHERE & AND k IN s", "an alias of a table"),
    _refused("WITH secrets AS sales SELECT 1 AS a FROM @ WHERE & AND k IN sales", "an alias under a good name"),
    _refused("SELECT secrets AS sales, 1 AS a FROM @ WHERE & AND k IN sales", "an alias under a good name"),
    _refused("SELECT 1 AS a FROM @ WHERE & AND k IN (secrets AS sales)", "an alias in IN"),
    _refused("WITH x AS (SELECT 1) SELECT 1 AS a FROM @ WHERE & AND k IN y", "a name beside a CTE"),
    _refused("SELECT 1 AS a FROM other.x, @ WHERE & AND k IN (WITH x AS (SELECT 1) SELECT * FROM x)", "a database before a CTE's name"),
    _refused("WITH x AS (SELECT 1) SELECT 1 AS a FROM other.x, @ WHERE &", "a database before a CTE's name"),
    _refused("SELECT 1 AS a FROM @ WHERE & UNION ALL WITH x AS (SELECT 1 AS n) SELECT n AS a FROM x UNION ALL SELECT 1 AS a FROM x", "a CTE of one part"),
    _refused("(WITH x AS (SELECT 1 AS a) SELECT a FROM x) UNION ALL SELECT 1 AS a FROM x, @ WHERE &", "a CTE of one part in brackets"),
    _refused("WITH RECURSIVE r AS (SELECT * FROM s), s AS (SELECT 1) SELECT 1 AS a FROM r, @ WHERE &", "a recursive CTE before its source"),
    _refused("WITH x(y) AS (SELECT 1) SELECT 1 AS a FROM x, @ WHERE &", "names for a CTE's columns"),
    Row("WITH big AS (SELECT * FROM @ WHERE &) SELECT count() AS a FROM big", "both", ("big",), "a CTE"),
    Row("WITH a AS (SELECT * FROM @ WHERE &), b AS (SELECT * FROM a) SELECT count() AS c FROM b", "both", ("a", "b"), "a CTE of a CTE"),
    Row("WITH x AS (SELECT 1 AS n) SELECT count() AS a FROM (SELECT * FROM (SELECT * FROM x)) AS y, @ AS p WHERE &", "both", ("x",), "a CTE seen within"),
    Row("WITH x AS (SELECT k FROM @ WHERE &) SELECT count() AS a FROM @ WHERE & AND k IN x", "both", ("x",), "a CTE in IN"),
    Row("WITH x AS (SELECT k FROM @ WHERE &) SELECT count() AS a FROM @ WHERE & AND notIn(k, x)", "both", ("x",), "a CTE in a function"),
    Row("SELECT count() AS a FROM @ WHERE & AND (k, n, at) IN sales", "query", ("sales",), "a table of the project's in IN"),
    Row("SELECT count() AS a FROM @ WHERE & AND (k, n, at) NOT IN (sales)", "query", ("sales",), "a table of the project's in brackets"),
    Row("SELECT count() AS a FROM @ JOIN sales USING k WHERE &", "query", ("sales",), "a join of two tables of the project's"),
    Row("SELECT count() AS a FROM @ AS system WHERE &", "query", (), "a table under an odd name"),
    Row("SELECT count() AS a FROM @ AS other WHERE & AND other.k = 'x'", "both", (), "a database's name as an alias"),
    Row("SELECT 'file(''token'')' AS a FROM @ WHERE &", "both", (), "a call in a string"),
    Row("SELECT 'it\\'s FROM other.people' AS a FROM @ WHERE &", "both", (), "a table in a string with escapes"),
    Row("SELECT 'a\\\\' AS a, 'FROM other.people' AS b FROM @ WHERE &", "both", (), "a string that ends with a backslash"),
    Row("SELECT '\\\\\\'' AS a, ' FROM other.people --' AS b FROM @ WHERE &", "both", (), "backslashes and quotes"),
    Row("SELECT '‘’“”' AS a FROM @ WHERE &", "both", (), "typographic quotes in a string"),
    Row("SELECT '-- /* # $$' AS a FROM @ WHERE &", "both", (), "signs in a string"),
    Row("SELECT 1 AS a -- FROM other.people\nFROM @ WHERE &", "both", (), "a table in a comment"),
    Row("SELECT 1 AS a /* ' FROM other.people */ FROM @ WHERE &", "both", (), "a quote in a comment"),
    Row("SELECT 1 AS a -- it's\n, 'b' AS b FROM @ WHERE &", "both", (), "a quote in a comment"),
    Row("SELECT 1 AS a --\r, 2 AS b\nFROM @ WHERE &", "both", (), "a comment goes on behind a carriage return"),
    Row("SELECT 2/**/-/**/1 AS a FROM @ WHERE &", "both", (), "comments for spaces"),
    Row("SELECT 2 --1\n AS a FROM @ WHERE &", "both", (), "not minus minus"),
    Row("SELECT '/*' AS a, '*/' AS b FROM @ WHERE &", "both", (), "a comment's ends in strings"),
    Row("SELECT now() AS a FROM @ WHERE &", "query", (), "the clock"),
    Row("SELECT now AS a FROM @ WHERE &", "query", (), "the clock without brackets"),
    Row("SELECT `today` AS a FROM @ WHERE &", "query", (), "the date in quotes"),
    Row("SELECT CURRENT_USER AS a FROM @ WHERE &", "query", (), "who asks, without brackets"),
    Row("SELECT any(k) AS a FROM @ WHERE &", "query", (), "any one"),
    Row("SELECT quantile(0.5)(n) AS a FROM @ WHERE &", "query", (), "an estimate"),
    Row("SELECT toFloat64(n) AS a FROM @ WHERE &", "query", (), "a float"),
    Row("SELECT k AS a FROM @ WHERE & LIMIT 1", "query", (), "which one"),
    Row("SELECT sum(n) OVER (PARTITION BY k ORDER BY n) AS a FROM @ WHERE &", "query", (), "a window function"),
    Row("SELECT * FROM @ WHERE &", "query", (), "all columns"),
    Row("SELECT * EXCEPT (k) FROM @ WHERE &", "query", (), "all but one"),
    Row("SELECT * REPLACE (n + 1 AS n) FROM @ WHERE &", "query", (), "one in place of another"),
    Row("FROM @ SELECT k AS a WHERE &", "both", (), "FROM comes first"),
    Row("WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT count() AS a FROM r, @ WHERE &", "both", ("r",), "a recursive CTE"),
    _refused("SELECT 1 AS a FROM @ WHERE & UNION ALL WITH secrets AS (SELECT 1 AS a) SELECT a FROM secrets UNION ALL SELECT 1 AS a FROM secrets", "WITH behind UNION lends a table's name"),
    _refused("SELECT 1 AS a /* /* */ FROM secrets -- */ FROM @ WHERE &", "a division by a star"),
    Row("WITH x AS (SELECT 1 AS a) SELECT a FROM x UNION ALL SELECT 1 AS a FROM x, @ WHERE &", "both", ("x",), "a CTE of all parts"),
]  # fmt: skip

ROWS = [
    *_spaces(), *_quotes(), *_table_functions(), *_operands(), *_called(),
    *_LEXED, *_STATEMENTS, *_TABLES, *_NAMES,
]  # fmt: skip
"""Each may stand in an analytics profile or behind ``chartly query``."""

ALIKE = [
    "SELECT extract(k, '^\\\\d+') AS a FROM @ WHERE &",
    "SELECT match(k, '\\d{{2}}[a-z]\\.') AS a FROM @ WHERE &".replace("{{2}}", "{2}"),
    "SELECT replaceRegexpAll(k, '[^\\w]', '\\\\0') AS a FROM @ WHERE &",
    "SELECT splitByChar('\t', k) AS a FROM @ WHERE &",
    "SELECT 'it''s' AS a, 'it\\'s' AS b FROM @ WHERE &",
    "-- how many\nSELECT count() AS a /* all of them */\nFROM @ -- here\nWHERE & -- and now",
    "SELECT count(*) AS a FROM @ WHERE & AND k LIKE '%a\\_b%' AND k NOT LIKE 'x' AND k ILIKE 'y%'",
    "SELECT k AS a, count() AS c FROM @ WHERE & GROUP BY k HAVING count() > 1 ORDER BY c DESC, a NULLS LAST LIMIT 3",
    "SELECT k AS a, n AS b FROM @ WHERE & ORDER BY a, b LIMIT 1 BY a",
    "SELECT CASE WHEN n > 1 THEN 'x' WHEN n IN (1, 2) THEN 'y' ELSE 'z' END AS a FROM @ WHERE &",
    "SELECT CASE n WHEN 1 THEN 'x' END AS a FROM @ WHERE &",
    "SELECT n > 1 ? 'x' : 'y' AS a FROM @ WHERE &",
    "SELECT toStartOfDay(at) AS a, sumIf(n, k = 'x') AS b FROM @ WHERE & GROUP BY 1",
    "SELECT date_trunc('day', at) AS a, uniqExact(k) AS b FROM @ WHERE & GROUP BY a",
    "SELECT at + INTERVAL 1 DAY AS a, at - toIntervalHour(2) AS b FROM @ WHERE &",
    "SELECT dateDiff('hour', at, at) AS a, addDays(at, 1) AS b FROM @ WHERE &",
    "SELECT CAST(n AS String) AS a, n::Decimal(18, 2) AS b, cast(n, 'Int64') AS c FROM @ WHERE &",
    "SELECT arrayMap(x -> x + 1, [1, 2]) AS a, arrayFilter((x, y) -> x > y, [1], [0]) AS b FROM @ WHERE &",
    "SELECT (1, 'a').1 AS a, [1, 2][1] AS b, map('a', 1)['a'] AS c FROM @ WHERE &",
    "SELECT coalesce(k, '') AS a, ifNull(nullIf(k, ''), 'x') AS b, k IS NOT NULL AS c FROM @ WHERE &",
    "SELECT JSONExtractString(k, 'a', 'b') AS a FROM @ WHERE &",
    "SELECT concat(k, 'x') || 'y' AS a, substring(k, 1, 2) AS b, trim(BOTH 'x' FROM k) AS c FROM @ WHERE &",
    "SELECT extract(DAY FROM at) AS a, position('a' IN k) AS b FROM @ WHERE &",
    "SELECT count(DISTINCT k) AS a, countIf(n > 1) AS b, quantileExact(0.5)(n) AS c FROM @ WHERE &",
    "SELECT DISTINCT k AS a FROM @ WHERE & AND (n BETWEEN 1 AND 2 OR NOT n = 3)",
    "SELECT count() AS a FROM @ WHERE & AND k IN ('a', 'b') AND n NOT IN (1, 2) AND (k, n) IN (('a', 1))",
    "SELECT count() AS a FROM @ WHERE & AND n IN [1, 2] AND k IN (SELECT k FROM @ WHERE &)",
    "SELECT a.k AS a, b.n AS b FROM @ AS a LEFT JOIN (SELECT k, n FROM @ WHERE &) AS b ON a.k = b.k WHERE a.n > 0",
    "SELECT x AS a FROM @ ARRAY JOIN [1, 2] AS x WHERE &",
    "SELECT k AS a FROM @ WHERE & UNION ALL SELECT 'all' AS a FROM @ WHERE &",
    "SELECT k AS a FROM @ WHERE & UNION ALL SELECT 'x' AS a UNION ALL SELECT 'y' AS a",
    "SELECT n AS arraysum FROM @ WHERE & ORDER BY arraysum",
    "SELECT k AS a FROM @ WHERE & EXCEPT SELECT 'x' AS a",
    "SELECT n % 2 AS a, -n AS b, n / 2 AS c, intDiv(n, 2) AS d, n * 1.5 + 1e3 AS e FROM @ WHERE &",
    'SELECT n AS `group`, k AS "order" FROM @ WHERE &',
    "SELECT max((n, k)) AS a, tupleElement(max((n, k)), 2) AS b FROM @ WHERE &",
    "WITH 2 AS twice, (SELECT max(n) FROM @ WHERE &) AS most SELECT n * twice AS a, most AS b FROM @ WHERE &",
]  # fmt: skip
"""What people write: either gate lets it through, and it runs."""
