"""Schemas of statuses: what the operator writes, so without rules but for what never changes."""

from pydantic import BaseModel

from chartly.api.status import NOT_LOOKED_AT
from chartly.crds.schema import Say, Schema, Schemas
from chartly.crds.variants import of_variants

_OBSERVED = "observedGeneration"


def status_schema(model: type[BaseModel], say: Say) -> Schema:
    """The schema of a status.

    An object has one from the start that says that nobody looked at it: tools that wait for an
    object would take one without conditions for ready.
    """
    schema = Schemas(say, of_variants, in_cel=False).of_object(model)
    properties = schema["properties"]
    properties[_OBSERVED] = {**properties[_OBSERVED], "default": NOT_LOOKED_AT}
    properties["conditions"] |= {
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }
    about = " ".join((model.__doc__ or "").split())
    return {"description": about, **schema, "default": {_OBSERVED: NOT_LOOKED_AT}}
