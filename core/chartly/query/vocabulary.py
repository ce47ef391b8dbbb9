"""Words of SQL, and names that a parser or an engine treats specially; all in lower case."""


def names(text: str) -> frozenset[str]:
    """The names of a text, in lower case."""
    return frozenset(name.lower() for name in text.split())


KEYWORDS = names("""
select from where having by and or not in as over on using when then else case between exists
distinct all union join limit with interval is like ilike order group except intersect
""")
"""Words that are no call when a bracket follows."""

FORMS = names("""
select union except intersect subquery from table tablealias join where having group order ordered
limit offset with cte alias identifier column star literal null boolean paren tuple array bracket
in between like ilike is not neg and or xor add sub mul div mod intdiv eq neq gt gte lt lte
nullsafeeq nullsafeneq dpipe dot lambda case if cast casttostrtype datatype datatypeparam interval
var distinct window windowspec exists any all collate cube rollup groupingsets withfill
limitoptions jsonpath jsonpathroot jsonpathkey jsonpathsubscript
""")
"""Kinds of nodes, beside functions, that parser and engine read alike; others are refused."""

TAKE_LAMBDAS = names("""
arrayAll arrayAvg arrayBottomK arrayCompact arrayCount arrayCumSum arrayCumSumNonNegative
arrayDifference arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull
arrayFold arrayLast arrayLastIndex arrayLastOrNull arrayMap arrayMax arrayMin
arrayPartialReverseSort arrayPartialShuffle arrayPartialSort arrayProduct arrayReverseFill
arrayReverseSort arrayReverseSplit arraySort arraySplit arraySum arrayTopK mapAll mapApply
mapExists mapFilter mapPartialReverseSort mapPartialSort mapReverseSort mapSort
""")
"""Functions that call their first argument, even where it is only a name."""

IN_FUNCTIONS = names("""
in notIn globalIn globalNotIn nullIn notNullIn globalNullIn globalNotNullIn inIgnoreSet
notInIgnoreSet globalInIgnoreSet globalNotInIgnoreSet nullInIgnoreSet notNullInIgnoreSet
globalNullInIgnoreSet globalNotNullInIgnoreSet
""")
"""The functions of IN; a name as second argument is a table to the engine."""

PARSED_AS_CALLS = names("""
current_date current_datetime current_role current_time current_user current_timestamp
current_database current_schema current_catalog session_user system_user localtime localtimestamp
""")
"""Words that the parser reads as calls, where an engine may read a qualifier."""
