"""The ground that all models stand on."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, ValidationError, ValidationInfo, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from trading_api.rules import X_RULES, AnyRule, Spelling


class ApiModel(BaseModel):
    """An immutable model that refuses unknown fields and keeps its rules.

    One definition has two spellings: camelCase in Kubernetes resources and snake_case in the node's run-config.
    :mod:`trading_api.codec` chooses between them.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[AnyRule, ...]] = ()
    """What must hold between the fields; all broken rules are reported at once."""

    @model_validator(mode="after")
    def _keep_rules(self, info: ValidationInfo) -> Self:
        spelling = info.context if isinstance(info.context, Spelling) else Spelling.CAMEL
        broken = [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{sentence}", {"sentence": sentence}),
                loc=tuple(spelling.field(part) for part in rule.at.split(".") if part),
                input=None,
            )
            for rule in self.rules
            if (sentence := rule.broken(self, spelling)) is not None
        ]
        if broken:
            raise ValidationError.from_exception_data(type(self).__name__, broken)
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the rules: for people all of them, for the API server those that it can check."""
        schema = handler(core_schema)
        if cls.rules:
            target: dict[str, Any] = handler.resolve_ref_schema(schema)
            target[X_RULES] = [{"at": rule.at, "says": rule.says} for rule in cls.rules]
            target["x-kubernetes-validations"] = [v for rule in cls.rules if (v := rule.validation()) is not None]
        return schema
