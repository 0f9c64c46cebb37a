"""What a TradingDeployment asks for."""

from dataclasses import dataclass

from trading_api.codec import parse_deployment
from trading_api.deployment import RolloutWhen
from trading_api.errors import InvalidDocument
from trading_api.reasons import AcceptedReason
from trading_operator.desired.names import ANNOTATION_APPROVE, Owner, owner_of
from trading_operator.desired.refusal import Refusal, RefusedError
from trading_operator.desired.revision import Rendering, render
from trading_operator.desired.role import role
from trading_operator.desired.role_binding import role_binding
from trading_operator.desired.service import service
from trading_operator.desired.service_account import service_account
from trading_operator.objects import Manifest, annotations_of, generation_of
from trading_operator.settings import RenderSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """A deployment's wish, as far as it can be granted."""

    owner: Owner
    generation: int
    suspended: bool
    needs_approval: bool
    approved_by_person: str
    """The revision that the approve annotation names."""
    rendering: Rendering | None = None
    """The revision of a generation that none is recorded for yet."""
    refusal: Refusal | None = None
    """Why that revision cannot be rendered."""


def desired(deployment: Manifest, recorded_generation: int, settings: RenderSettings) -> Desired:
    """Return what a deployment asks for.

    It is rendered only where its generation is newer than ``recorded_generation``, the newest one that a revision is
    recorded for: a new operator version, or a new default in the schema, renders nothing anew. What can be said without
    the whole spec is read from the raw object, so that a spec which is refused can still be suspended.
    """
    spec = deployment.get("spec") or {}
    rendering, refusal = None, None
    if generation_of(deployment) > recorded_generation:
        try:
            rendering = render(owner_of(deployment), parse_deployment(deployment), settings)
        except InvalidDocument as fault:
            refusal = Refusal(AcceptedReason.SPEC_INVALID, str(fault))
        except RefusedError as fault:
            refusal = fault.refusal
    return Desired(
        owner=owner_of(deployment),
        generation=generation_of(deployment),
        suspended=spec.get("suspend") is True,
        needs_approval=(spec.get("rollout") or {}).get("when") == RolloutWhen.ON_APPROVAL,
        approved_by_person=annotations_of(deployment).get(ANNOTATION_APPROVE, ""),
        rendering=rendering,
        refusal=refusal,
    )


def named_children(owner: Owner) -> tuple[Manifest, ...]:
    """Return the children that exist once and depend on nothing but the deployment's identity."""
    return (service_account(owner), role(owner), role_binding(owner), service(owner))
