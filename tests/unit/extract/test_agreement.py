"""The connector's look at a page and the loader's reading of it are of one mind."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chartly.api.connector import Records
from chartly.api.pagination import Pagination
from chartly.errors import ChartlyError
from chartly.extract.jsonpath import compile_path
from chartly.extract.pages import PageReader
from chartly.extract.peek import Peek
from chartly.extract.structs import compile_structs

NAMES = st.sampled_from(["data", "items", "rows", "a", "id", "näme", "it's"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 2**70), st.sampled_from([1.5, 1e300, "", "x", "é", "\ud800"])
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)
PAGES = st.one_of(
    DOCUMENTS,
    st.builds(
        lambda name, rows, more: {name: rows, **more},
        NAMES,
        st.one_of(st.none(), st.lists(st.dictionaries(NAMES, DOCUMENTS, max_size=3), max_size=4)),
        st.dictionaries(NAMES, SCALARS, max_size=2),
    ),
)
PATHS = st.sampled_from([
    None, "$", "$.data", "$.items", "$.a.rows", "$.a.rows.data", "$['näme']", '$["it\'s"]', "$.rows[0]", "$.rows[-1]",
    "$[*]", "$.data[*]", "$.a[*].rows[*]", "$.a[*].rows", "$..items[*]", "$..rows", "$.data[?@.id]", "$.data[?!@.id]", "$[?@.id > 1]",
    "$.a[?@.id].rows[*]", "$.rows[1:]", "$.rows[0, ?@.a]",
])  # fmt: skip
SPOILT = st.sampled_from([(b"", b"")] * 6 + [(b'"x"', b"NaN"), (b'"x"', b'"\xff"'), (b"{", b"\xef\xbb\xbf{"), (b"}", b""), (b":", b":\t"), (b"null", b"nul")])  # fmt: skip
MODES = st.sampled_from(["none", "page", "offset", "cursor"])
NEEDED = {"offset": {"pageSize": 10}, "cursor": {"requestParam": "c", "responseField": "next"}}
MAPPED = {name: compile_path(path) for name, path in {"id": "$.id", "deep": "$.a.rows"}.items()}


def outcome(read):
    try:
        return read()
    except ChartlyError as error:
        return error.reason, error.message


@settings(max_examples=400, deadline=None)
@given(PAGES, PATHS, MODES, SPOILT, st.booleans(), st.booleans())
def test_a_page_is_failed_or_has_as_many_records_for_both(
    document, path, mode, spoilt, optional, ascii_only
):
    text = json.dumps(document, ensure_ascii=ascii_only)
    body = text.encode("utf-8", "surrogatepass")
    body = body.replace(*spoilt) if spoilt[0] else body
    records = Records(path=path, optional=optional)
    pagination = Pagination.model_validate({"mode": mode, **NEEDED.get(mode, {})})
    structs = compile_structs(records, [*MAPPED.values()])
    reader = PageReader(records, mode, MAPPED, structs)
    seen = outcome(lambda: Peek(records, pagination).page(body).records)
    assert outcome(lambda: reader.read(body).count) == seen
    # A reader that has learnt the types of a page is of the same mind.
    assert outcome(lambda: reader.read(body).count) == seen
