"""``event.md``: the canonical event contract, and the stored fields of rejects."""

from chartly.api.columns import COLUMN_TYPES
from chartly.extract.keys import KEY_LIMIT
from chartly.extract.reject import RECORD_LIMIT
from chartly.load.dataset_tables import ENVELOPE_TYPES
from chartly_cli.docs.markdown import code, page, section, table

ENVELOPE_MEANINGS = {
    "type": "the normalizer's `canonicalEventType`",
    "tenant_id": "the tenant of the run's project",
    "project_id": "the run's project",
    "ingested_at": "when the run's inputs were frozen; the same in all its attempts",
    "raw_ref": "`sha256:<page>#<index>`: the page it came from, and its place there",
    "run_id": "the run that wrote this row",
    "profile_digest": "the digest of the normalizer profile that shaped it",
    "event_key": "its identity; two records with one key are one event",
}
_INTRO = """
A canonical event is a record that its normalizer profile has shaped. Its payload is the mapped
fields and `type`; its envelope says where it comes from. Goldens (`*.expected.canonical.json`) hold
the payload only.
"""
_PAYLOAD = """
As JSON the payload has one spelling, byte for byte, on every machine:

- Members are sorted by name as in RFC 8785; fields that are null are left out; there is no white
  space.
- Decimals are JSON numbers without exponent and trailing zeros, exact to the last digit: `19.99`.
- Instants are text in RFC 3339 with `Z`, with parts of a second only where there are any, and
  without zeros at the end: `2026-02-02T12:00:00Z`, `2026-02-02T12:00:00.25Z`.
- A field without transform and declared column type is the value as it was sent.

A golden is parsed exactly, brought into this spelling, and compared byte for byte.
"""
_IDENTITY = f"""
`event_key` is the stored text of the one `identity` field, or for several the canonical JSON
array of their texts; one over {KEY_LIMIT} bytes becomes `sha256:<hex>`. A record whose identity is
null is rejected. Of several rows with one key, the one with the highest version is read: the
instant of `versionField` if that is declared, otherwise the one fetched last. Loading the same
pages again changes nothing.

When a corrected record moves an event to another time, the row under the old time disappears, and
the windows of both times are computed again.
"""
_STORED = f"""
Each dataset is a view with the dataset's name, `_` for `-`, in the project's database:
`tenant-demo/proj-sales` and `sales-events` are `tenant_demo__proj_sales.sales_events`. It shows one
row per event, payload and envelope. Columns of the payload have one of the types
`{COLUMN_TYPES}`. A `Timestamp` is an instant in UTC: with microseconds, `Timestamp(3)` with
milliseconds, `Timestamp(9)` with nanoseconds and of the years 1900 to 2261. A field has the type
that its transforms give, unless `columns` declares another one that can hold it: `toNumber` gives
`Decimal(38,9)`, `toInt` `Int64`, `toBool` `Bool`, `toUtcTimestamp` `Timestamp`; without either it
is `String`.

`chartly query "SELECT ..."` reads these views.
"""
_REJECTS = f"""
A record that may not become an event is stored beside the dataset with its reason
([reasons.md](reasons.md)), the field and path at fault, its `raw_ref`, and the record itself up to
{RECORD_LIMIT // 1024} KiB. `chartly rejects` shows them. Every record is accounted for:
read = loaded + rejected + duplicate + filtered + late.
"""


def event_page() -> str:
    """The page."""
    rows = (
        (code(name), code(kind), ENVELOPE_MEANINGS[name]) for name, kind in ENVELOPE_TYPES.items()
    )
    return page(
        "Canonical events",
        _INTRO,
        section("Payload", _PAYLOAD),
        section("Envelope", table(("field", "stored type", "meaning"), rows)),
        section("Identity", _IDENTITY),
        section("Stored tables", _STORED),
        section("Rejects", _REJECTS),
    )
