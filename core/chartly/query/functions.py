"""Which functions a query may call; those of roll-ups give the same answer every time."""

from collections.abc import Iterator
from dataclasses import dataclass

from chartly.api.suggestion import did_you_mean
from chartly.query.vocabulary import names

_AGGREGATES = """
count sum avg min max uniqExact uniq uniqCombined uniqHLL12 quantileExact quantilesExact
quantileExactLow quantileExactHigh medianExact quantileExactWeighted sumWithOverflow
groupArraySorted groupBitAnd groupBitOr groupBitXor sumMap minMap maxMap
varPopStable varSampStable stddevPopStable stddevSampStable
"""
_SCALARS = """
abs sign round floor ceil ceiling trunc truncate intDiv intDivOrZero modulo mod gcd lcm greatest
least plus minus multiply divide negate divideDecimal multiplyDecimal bitAnd bitOr bitXor bitNot
bitShiftLeft bitShiftRight if multiIf ifNull nullIf coalesce isNull isNotNull assumeNotNull
toNullable equals notEquals less greater lessOrEquals greaterOrEquals and or not xor in notIn
lower upper lowerUTF8 upperUTF8 trim trimLeft trimRight trimBoth ltrim rtrim length lengthUTF8
char_length concat concatWithSeparator substring substr substringUTF8 left right leftUTF8 rightUTF8
leftPad rightPad lpad rpad replace replaceOne replaceAll replaceRegexpOne replaceRegexpAll position
positionUTF8 locate startsWith endsWith like notLike ilike match extract extractAll splitByChar
splitByString arrayStringConcat reverse repeat format empty notEmpty ascii hex unhex base64Encode
base64Decode toString toStringCutToZero toBool toInt8 toInt16 toInt32 toInt64 toUInt8 toUInt16
toUInt32 toUInt64 toInt64OrNull toUInt64OrNull toInt64OrZero toDecimal32 toDecimal64 toDecimal128
toDecimal64OrNull toDecimal128OrNull toDate toDate32 toDateTime toDateTime64 toDateOrNull cast
toYear toQuarter toMonth toDayOfYear toDayOfMonth toDayOfWeek toHour toMinute toSecond
toMillisecond toUnixTimestamp toUnixTimestamp64Milli toUnixTimestamp64Micro toUnixTimestamp64Nano
fromUnixTimestamp64Milli fromUnixTimestamp64Micro fromUnixTimestamp64Nano toStartOfYear
toStartOfQuarter toStartOfMonth toStartOfWeek toMonday toStartOfDay toStartOfHour toStartOfMinute
toStartOfFiveMinutes toStartOfTenMinutes toStartOfFifteenMinutes toStartOfInterval toYYYYMM
toYYYYMMDD toYYYYMMDDhhmmss toISOYear toISOWeek toWeek toLastDayOfMonth date_trunc dateTrunc
date_diff dateDiff datediff date_add dateAdd date_sub dateSub addDays addHours addMinutes addMonths
addSeconds addWeeks addYears subtractDays subtractHours subtractMinutes subtractMonths
subtractSeconds subtractWeeks subtractYears formatDateTime timeSlot toIntervalDay toIntervalHour
toIntervalMinute toIntervalMonth toIntervalSecond toIntervalWeek toIntervalYear array tuple
tupleElement map mapKeys mapValues mapContains has hasAll hasAny indexOf arrayElement arrayMap
arrayFilter arrayExists arrayAll arrayCount arraySum arrayMin arrayMax arraySort arrayReverseSort
arrayDistinct arrayUniq arrayConcat arraySlice arrayJoin range JSONExtractString JSONExtractInt
JSONExtractUInt JSONExtractBool JSONExtractRaw JSONHas JSONLength JSONType sipHash64 cityHash64
xxHash64 MD5 SHA256 SHA1 halfMD5 isValidUTF8 domain path protocol cutQueryString transform
"""
_TYPES = frozenset(
    """
Decimal Decimal32 Decimal64 Decimal128 Decimal256 DateTime64 DateTime Nullable LowCardinality
FixedString Array Map Tuple Enum8 Enum16
""".split()  # noqa: SIM905 - as the other lists
)

NON_REPEATABLE: dict[str, str] = {
    "now": "use {{window_end}}",
    "now64": "use {{window_end}}",
    "nowinblock": "use {{window_end}}",
    "today": "use {{window_end}}",
    "yesterday": "use {{window_start}}",
    "utctimestamp": "use {{window_end}}",
    "current_timestamp": "use {{window_end}}",
    "current_date": "use {{window_end}}",
    "curdate": "use {{window_end}}",
    "localtime": "use {{window_end}}",
    "localtimestamp": "use {{window_end}}",
    "rand": "",
    "rand32": "",
    "rand64": "",
    "randconstant": "",
    "randcanonical": "",
    "randuniform": "",
    "randnormal": "",
    "generaterandom": "",
    "generateuuidv4": "",
    "generateuuidv7": "",
    "any": "use min or max",
    "any_value": "use min or max",
    "anylast": "use max",
    "anyheavy": "use min or max",
    "first_value": "use min, or groupArraySorted",
    "last_value": "use max",
    "argmin": "ties have no order; use min over a tuple",
    "argmax": "ties have no order; use max over a tuple",
    "grouparray": "use groupArraySorted",
    "groupuniqarray": "use GROUP BY, and groupArraySorted over it",
    "group_concat": "use groupArraySorted",
    "quantile": "use quantileExact",
    "quantiles": "use quantilesExact",
    "quantiletdigest": "use quantileExact",
    "quantiletiming": "use quantileExact",
    "median": "use medianExact",
    "topk": "use ORDER BY and LIMIT",
    "topkweighted": "use ORDER BY and LIMIT",
    "sumkahan": "use sum over an exact type",
    "stddevpop": "write sum(x * x), sum(x) and count()",
    "stddevsamp": "write sum(x * x), sum(x) and count()",
    "varpop": "write sum(x * x), sum(x) and count()",
    "varsamp": "write sum(x * x), sum(x) and count()",
    "rownumberinblock": "",
    "rownumberinallblocks": "",
    "blocknumber": "",
    "row_number": "ties have no order",
    "hostname": "",
    "version": "",
    "uptime": "",
    "connectionid": "",
    "queryid": "",
    "currentuser": "",
    "current_user": "",
    "session_user": "",
    "currentdatabase": "",
    "current_database": "",
    "tofloat32": "sums of floats depend on their order; use toDecimal64",
    "tofloat64": "sums of floats depend on their order; use toDecimal64",
}
"""Functions whose answer may differ from call to call, and what to use instead."""

CALLED_WITHOUT_BRACKETS = names("""
now today curdate current_date current_timestamp localtime localtimestamp current_user session_user
currentUser current_database currentDatabase
""")
"""Those of them that an engine calls where no column has their name, in quotes or not."""

AGGREGATES = names(_AGGREGATES)
SCALARS = names(_SCALARS)


@dataclass(frozen=True)
class FunctionSet:
    """Functions that a query may call.

    Attributes:
        scalars: their names in lower case.
        aggregates: those that make one value of many rows.
        combinators: suffixes of the names of aggregates, such as ``If``.
    """

    scalars: frozenset[str]
    aggregates: frozenset[str]
    combinators: tuple[str, ...]

    def allows(self, name: str) -> bool:
        """Whether a function, or a type that takes arguments, may be called."""
        return name in _TYPES or name.lower() in self.scalars or self.is_aggregate(name)

    def is_aggregate(self, name: str) -> bool:
        """Whether a name is an aggregate's, with or without a combinator."""
        return any(stem in self.aggregates for stem in _stems(name, self.combinators))

    def nearest(self, name: str) -> str | None:
        """The function whose name resembles another one most."""
        return did_you_mean(name.lower(), sorted(self.aggregates | self.scalars))


REPEATABLE = FunctionSet(SCALARS, AGGREGATES, ("If", "OrNull", "OrDefault", "Distinct"))
"""The functions of roll-ups."""


def hint(name: str) -> str | None:
    """Why a function is known to be non-repeatable: a hint, or "" without one; else None."""
    stems = _stems(name, REPEATABLE.combinators)
    return next((NON_REPEATABLE[stem] for stem in stems if stem in NON_REPEATABLE), None)


def _stems(name: str, combinators: tuple[str, ...]) -> Iterator[str]:
    """A name in lower case as it is, then without each combinator that it ends with."""
    folded = name.lower()
    yield folded
    for combinator in combinators:
        stem = folded.removesuffix(combinator.lower())
        if stem != folded:
            yield stem
