"""Functions that only compute: a query may call them that needs no same answer next time."""

from chartly.query.functions import AGGREGATES
from chartly.query.vocabulary import names

_AGGREGATES = names("""
any anyHeavy anyLast any_value any_respect_nulls anyLast_respect_nulls argMax argMin argAndMax
argAndMin min_by max_by avgWeighted corr corrStable covarPop covarPopStable covarSamp
covarSampStable deltaSum deltaSumTimestamp entropy exponentialMovingAverage first_value last_value
groupArray groupArrayInsertAt groupArrayLast groupArrayMovingAvg groupArrayMovingSum
groupArraySample groupArrayIntersect groupUniqArray groupConcat group_concat array_agg string_agg
groupBitmap histogram kurtPop kurtSamp mannWhitneyUTest median medianExactLow medianExactHigh
medianExactWeighted medianTDigest medianTiming quantile quantiles quantileExactWeighted
quantilesExactLow quantilesExactHigh quantilesExactWeighted quantileDD quantilesDD
quantileInterpolatedWeighted quantileTDigest quantilesTDigest quantileTDigestWeighted
quantileTiming quantilesTiming retention sequenceCount sequenceMatch simpleLinearRegression
singleValueOrNull skewPop skewSamp stddevPop stddevSamp stddev_pop stddev_samp std stddev
studentTTest sumCount sumKahan topK topKWeighted approx_top_k approx_top_sum uniqCombined64
uniqUpTo uniqTheta varPop varSamp var_pop var_samp welchTTest windowFunnel bit_and bit_or bit_xor
row_number rank dense_rank denseRank percent_rank cume_dist ntile nth_value lag lead lagInFrame
leadInFrame
""")
_TIMES = names("""
now now64 today yesterday UTCTimestamp curdate addQuarters addMilliseconds addMicroseconds
subtractQuarters subtractMilliseconds addInterval subtractInterval age dateName date_format
monthName formatDateTimeInJodaSyntax fromUnixTimestamp from_unixtime
fromUnixTimestamp64Second makeDate makeDate32 makeDateTime makeDateTime64
parseDateTime parseDateTimeOrNull parseDateTimeOrZero parseDateTime64 parseDateTime64OrNull
parseDateTimeBestEffort parseDateTimeBestEffortOrNull parseDateTimeBestEffortOrZero
parseDateTimeBestEffortUS parseDateTime64BestEffort parseDateTime64BestEffortOrNull
parseDateTime64BestEffortOrZero timeDiff timestamp_diff timestampDiff date timezoneOf timezoneOffset
toDateOrZero toDate32OrNull toDateTimeOrNull toDateTimeOrZero toDateTime64OrNull
toDateTime64OrZero toDaysInMonth toLastDayOfWeek last_day toModifiedJulianDay toMonthNumSinceEpoch
toRelativeDayNum toRelativeHourNum toRelativeMinuteNum toRelativeMonthNum toRelativeQuarterNum
toRelativeSecondNum toRelativeWeekNum toRelativeYearNum toStartOfISOYear toStartOfSecond
toStartOfMillisecond toTimezone toUTCTimestamp fromUTCTimestamp toYearWeek toYearNumSinceEpoch
yearweek toUnixTimestamp64Second toIntervalQuarter
toIntervalMillisecond
year quarter month week day hour minute second dayofmonth dayofweek dayofyear
formatReadableTimeDelta tumble tumbleStart tumbleEnd hop hopStart hopEnd dateTrunc timeSlots
""")
_NUMBERS = names("""
acos acosh asin asinh atan atan2 atanh cbrt cos cosh degrees e erf erfc exp exp10 exp2 factorial
hypot intExp10 intExp2 lgamma ln log log10 log1p log2 pi pow power radians sigmoid sin sinh sqrt
tan tanh tgamma widthBucket divideOrNull intDivOrNull moduloOrNull moduloOrZero positiveModulo
ifNotFinite isFinite isInfinite isNaN max2 min2 midpoint clamp roundBankers roundDown roundToExp2
roundAge roundDuration bitCount bitTest bitTestAny bitTestAll bitRotateLeft bitRotateRight
bitHammingDistance byteSwap rand rand32 rand64 randUniform randNormal randCanonical randConstant
toFloat32 toFloat64 toFloat32OrNull toFloat32OrZero toFloat64OrNull toFloat64OrZero toInt8OrNull
toInt8OrZero toInt16OrNull toInt16OrZero toInt32OrNull toInt32OrZero toInt128 toInt128OrNull
toInt256 toInt256OrNull toUInt8OrNull toUInt8OrZero toUInt16OrNull toUInt16OrZero toUInt32OrNull
toUInt32OrZero toUInt64OrZero toUInt128 toUInt256 toDecimal32OrNull toDecimal32OrZero
toDecimal64OrZero toDecimal128OrZero toDecimal256 toDecimal256OrNull toDecimalString countDigits
formatReadableSize formatReadableDecimalSize formatReadableQuantity isDecimalOverflow bin unbin
""")
_TEXTS = names("""
alphaTokens appendTrailingCharIfAbsent base32Encode base32Decode base58Encode base58Decode
base64URLEncode base64URLDecode tryBase64Decode basename char convertCharset countMatches
countMatchesCaseInsensitive countSubstrings countSubstringsCaseInsensitive CRC32 CRC64
decodeHTMLComponent decodeXMLComponent editDistance endsWithUTF8 startsWithUTF8 extractAllGroups
extractAllGroupsHorizontal extractAllGroupsVertical extractGroups extractTextFromHTML
extractKeyValuePairs firstLine hasSubsequence hasToken hasTokenCaseInsensitive initcap initcapUTF8
instr isValidASCII jaroSimilarity jaroWinklerSimilarity lcase ucase leftPadUTF8 rightPadUTF8
levenshteinDistance mid multiMatchAny multiMatchAnyIndex multiMatchAllIndices multiSearchAny
multiSearchAnyCaseInsensitive multiSearchFirstIndex multiSearchAllPositions ngrams ngramDistance
ngramSearch normalizeUTF8NFC normalizeUTF8NFKC notILike octet_length overlay overlayUTF8
positionCaseInsensitive positionCaseInsensitiveUTF8 printf regexpExtract regexpQuoteMeta
reverseUTF8 soundex space splitByNonAlpha splitByRegexp splitByWhitespace substringIndex
substringIndexUTF8 tokens toFixedString toLowCardinality toValidUTF8 translate translateUTF8
trimBoth concat_ws accurateCast accurateCastOrNull accurateCastOrDefault cutFragment cutURLParameter
cutWWW cutToFirstSignificantSubdomain decodeURLComponent encodeURLComponent domainWithoutWWW
extractURLParameter extractURLParameters extractURLParameterNames firstSignificantSubdomain
fragment netloc pathFull port queryString queryStringAndFragment topLevelDomain URLHierarchy
URLPathHierarchy IPv4NumToString IPv4StringToNum IPv6NumToString isIPAddressInRange isIPv4String
isIPv6String toIPv4 toIPv4OrNull toIPv6 toIPv6OrNull generateUUIDv4 generateUUIDv7 toUUID
toUUIDOrNull UUIDv7ToDateTime randomString farmHash64 farmFingerprint64 intHash32 intHash64
javaHash metroHash64 murmurHash2_64 murmurHash3_32 murmurHash3_64 murmurHash3_128 sipHash128
SHA224 SHA384 SHA512 xxHash32 xxh3 bar
""")
_SHAPES = names("""
arrayAvg arrayCompact arrayCumSum arrayCumSumNonNegative arrayDifference arrayDotProduct
arrayEnumerate arrayEnumerateDense arrayEnumerateUniq arrayExcept arrayFill arrayFirst
arrayFirstIndex arrayFirstOrNull arrayFlatten arrayFold arrayIntersect arrayJaccardIndex arrayLast
arrayLastIndex arrayLastOrNull arrayPartialSort arrayPopBack arrayPopFront arrayProduct
arrayPushBack arrayPushFront arrayResize arrayReverse arrayReverseFill arrayReverseSplit
arrayRotateLeft arrayRotateRight arrayShuffle arraySplit arrayUnion arrayWithConstant arrayZip
countEqual emptyArrayString hasSubstr flatten mapAdd mapAll mapApply mapConcat mapContainsKeyLike
mapExists mapExtractKeyLike mapFilter mapFromArrays mapReverseSort mapSort mapSubtract mapUpdate
tupleConcat tupleNames tupleToNameValuePairs untuple dotProduct JSONAllPaths JSONArrayLength
JSONExtract JSONExtractArrayRaw JSONExtractFloat JSONExtractKeys JSONExtractKeysAndValues
JSONExtractKeysAndValuesRaw JSONKey JSON_EXISTS JSON_QUERY JSON_VALUE isValidJSON toJSONString
simpleJSONExtractBool simpleJSONExtractFloat simpleJSONExtractInt simpleJSONExtractRaw
simpleJSONExtractString simpleJSONExtractUInt simpleJSONHas visitParamExtractString firstNonDefault
isNullable isZeroOrNull isDistinctFrom isNotDistinctFrom nullIn notNullIn globalIn globalNotIn
toTypeName toColumnTypeName dumpColumnStructure identity materialize ignore grouping cube rollup
rowNumberInAllBlocks rowNumberInBlock greatCircleDistance geoDistance geohashEncode geohashDecode
pointInPolygon variantElement variantType dynamicElement dynamicType getSubcolumn version timezone
currentDatabase
""")
_COMBINATORS = ("If", "OrNull", "OrDefault", "Distinct", "Array", "ForEach", "Map")

HARMLESS = _AGGREGATES | _TIMES | _NUMBERS | _TEXTS | _SHAPES
"""In lower case; those of analytics queries come on top."""


def is_harmless(name: str) -> bool:
    """Whether a function only computes; an aggregate also with combinators such as ``If``."""
    folded = name.lower()
    if folded in HARMLESS:
        return True
    stems = (folded.removesuffix(one.lower()) for one in _COMBINATORS)
    return any(
        stem in _AGGREGATES or stem in AGGREGATES for stem in stems if stem and stem != folded
    )
