"""The ground that all models stand on."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """An immutable model that refuses unknown fields.

    One definition has two spellings: camelCase in Kubernetes resources (``by_alias=True``) and snake_case in the
    node's run-config (``by_alias=False``). :mod:`trading_api.codec` chooses between them.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )
