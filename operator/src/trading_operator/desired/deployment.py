"""What a TradingDeployment asks for."""

from dataclasses import dataclass

from pydantic import ValidationError

from trading_api.codec import parse_deployment
from trading_api.deployment import RolloutWhen
from trading_api.errors import InvalidDocument
from trading_api.policies import State
from trading_api.reasons import AcceptedReason
from trading_operator.desired.claim import state_claim
from trading_operator.desired.controller_revision import Recorded
from trading_operator.desired.limits import limits_config_map
from trading_operator.desired.names import ANNOTATION_APPROVE, Owner, owner_of
from trading_operator.desired.refusal import Refusal, RefusedError
from trading_operator.desired.revision import Rendering, render, source_of
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
    limits: Manifest | None = None
    """The ConfigMap with the limits of a generation whose limits do not stand there yet."""
    claim: Manifest | None = None
    """The claim of the state volume, where there is to be one."""
    refusal: Refusal | None = None
    """Why the newest generation cannot be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What stands in the cluster already, and need not be made anew."""

    records: tuple[Recorded, ...] = ()
    """All revisions that are recorded."""
    limits_generation: int = 0
    """The newest generation whose limits stand there, as they were written."""

    @property
    def generation(self) -> int:
        """The newest generation that a revision is recorded for."""
        return max((record.generation for record in self.records), default=0)

    def made_from(self, source: str) -> Recorded | None:
        """Return the newest revision that was made from the same."""
        same = (record for record in self.records if record.source == source)
        return max(same, key=lambda record: record.generation, default=None)


def desired(deployment: Manifest, known: Known, settings: RenderSettings) -> Desired:
    """Return what a deployment asks for.

    It is rendered only where its generation is newer than what is known, and where no known revision was made from the
    same: a new operator version, or a new default in the schema, renders nothing anew. What can be said without the
    whole spec is read from the raw object, so that a spec which is refused can still be suspended.
    """
    spec, owner = deployment.get("spec") or {}, owner_of(deployment)
    rendering, limits, refusal = None, None, None
    if generation_of(deployment) > min(known.generation, known.limits_generation):
        try:
            model = parse_deployment(deployment)
            if generation_of(deployment) > known.generation:
                same = known.made_from(source_of(model.spec))
                rendering = same.rendering if same is not None else render(owner, model, settings)
            if generation_of(deployment) > known.limits_generation:
                limits = limits_config_map(owner, model.spec.risk, generation_of(deployment))
        except InvalidDocument as fault:
            refusal = Refusal(AcceptedReason.SPEC_INVALID, str(fault))
        except RefusedError as fault:
            refusal = fault.refusal
    return Desired(
        owner=owner,
        generation=generation_of(deployment),
        suspended=spec.get("suspend") is True,
        needs_approval=(spec.get("rollout") or {}).get("when") == RolloutWhen.ON_APPROVAL,
        approved_by_person=annotations_of(deployment).get(ANNOTATION_APPROVE, ""),
        rendering=rendering,
        limits=limits,
        claim=_claim(owner, spec),
        refusal=refusal,
    )


def _claim(owner: Owner, spec: Manifest) -> Manifest | None:
    """Return the claim of the state volume; None where none is asked for, or not in a way that is understood."""
    if not isinstance(spec.get("state"), dict):
        return None
    try:
        state = State.model_validate(spec["state"])
    except ValidationError:
        return None
    return state_claim(owner, state, f"{spec.get('traderId', '')} {spec.get('mode', '')}")


def named_children(owner: Owner) -> tuple[Manifest, ...]:
    """Return the children that exist once and depend on nothing but the deployment's identity."""
    return (service_account(owner), role(owner), role_binding(owner), service(owner))
