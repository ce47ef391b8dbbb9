"""Words of SQL, and the names that an engine treats in a way of their own; all in lower case."""


def names(text: str) -> frozenset[str]:
    """The names of a text, in lower case."""
    return frozenset(name.lower() for name in text.split())


KEYWORDS = names("""
select from where having by and or not in as over on using when then else case between exists
distinct all union join limit with interval is like ilike order group except intersect
""")
"""Words before a bracket that call nothing."""

FORMS = names("""
select union except intersect subquery from table tablealias join where having group order ordered
limit offset with cte alias identifier column star literal null boolean paren tuple array bracket
in between like ilike is not neg and or xor add sub mul div mod intdiv eq neq gt gte lt lte
nullsafeeq nullsafeneq dpipe dot lambda case if cast casttostrtype datatype datatypeparam interval
var distinct window windowspec exists any all collate cube rollup groupingsets withfill
limitoptions jsonpath jsonpathroot jsonpathkey jsonpathsubscript
""")
"""Kinds of nodes that both read alike, next to functions; whatever a parser may add is refused."""

TAKE_LAMBDAS = names("""
arrayAll arrayAvg arrayBottomK arrayCompact arrayCount arrayCumSum arrayCumSumNonNegative
arrayDifference arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull
arrayFold arrayLast arrayLastIndex arrayLastOrNull arrayMap arrayMax arrayMin
arrayPartialReverseSort arrayPartialShuffle arrayPartialSort arrayProduct arrayReverseFill
arrayReverseSort arrayReverseSplit arraySort arraySplit arraySum arrayTopK mapAll mapApply
mapExists mapFilter mapPartialReverseSort mapPartialSort mapReverseSort mapSort
""")
"""Functions that call what stands in first place, be it only named."""

IN_FUNCTIONS = names("""
in notIn globalIn globalNotIn nullIn notNullIn globalNullIn globalNotNullIn inIgnoreSet
notInIgnoreSet globalInIgnoreSet globalNotInIgnoreSet nullInIgnoreSet notNullInIgnoreSet
globalNullInIgnoreSet globalNotNullInIgnoreSet
""")
"""The functions behind IN; a name in second place is a table to the engine."""

WITHOUT_BRACKETS = names("""
current_date current_datetime current_role current_time current_user current_timestamp
current_database current_schema current_catalog session_user system_user localtime localtimestamp
""")
"""Words that the parser takes for calls by themselves, where an engine may see a qualifier."""
