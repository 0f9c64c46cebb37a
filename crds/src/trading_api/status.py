"""What operator and node report."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from trading_api.base import ApiModel
from trading_api.fields import Matches, keyed_by
from trading_api.policies import OrdersAtStop, PositionsAtStop

Message = Annotated[str, Field(max_length=1024)]
Timestamp = Annotated[str, Field(max_length=40, json_schema_extra={"format": "date-time"})]
ConditionReason = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Matches(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", "write one CamelCase word, such as NameConflict"),
]
TerminationReason = Annotated[
    str,
    Field(min_length=1, max_length=128),
    Matches(r"[A-Z][A-Za-z0-9]*", "write one CamelCase word, such as StrategyRefused"),
]
DecimalText = Annotated[str, Field(max_length=64)]


class NodeState(StrEnum):
    """Where a node is in its life, as it says itself."""

    STARTING = "Starting"
    """Connecting, loading, not trading yet."""
    TRADING = "Trading"
    """Trading, in agreement with its venues."""
    COMPLETED = "Completed"
    """The replay ran to its end; the node idles until it is stopped."""
    STOPPING = "Stopping"
    """Stopping in order."""
    STOPPED = "Stopped"
    """Stopped in order."""
    FAILED = "Failed"
    """Ended by an error, which the message explains."""


class Phase(StrEnum):
    """One word for a person; conditions are for programs."""

    PENDING = "Pending"
    """Nothing runs yet; the conditions say why."""
    STARTING = "Starting"
    """The node starts."""
    TRADING = "Trading"
    """The node trades."""
    UPDATING = "Updating"
    """The pod of the former revision ends, then the new revision starts."""
    COMPLETED = "Completed"
    """The replay ran to its end and the node is scaled to zero."""
    SUSPENDED = "Suspended"
    """The node is stopped, because ``spec.suspend`` is true."""
    STOPPING = "Stopping"
    """The node is being stopped."""
    UNKNOWN = "Unknown"
    """The node runs and has not reported for so long that nobody knows what it does; it may still trade."""
    FAILED = "Failed"
    """Nothing runs, and nothing will until the spec changes: the revision ended with an error that it would meet again,
    or there is none, because the spec is not accepted."""


class ConditionStatus(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class ConditionType(StrEnum):
    """The conditions of a TradingDeployment."""

    ACCEPTED = "Accepted"
    """The spec can be run. False: the message says what to write; what ran before goes on running."""
    PROGRESSING = "Progressing"
    """Something is on its way to what the spec says."""
    RECONCILED = "Reconciled"
    """The node's orders and positions agree with its venues."""
    TRADING = "Trading"
    """The node trades."""
    DEGRADED = "Degraded"
    """Something is wrong; the message says what to do."""
    UPDATE_PENDING = "UpdatePending"
    """A newer revision than the running one waits."""
    READY = "Ready"
    """This generation is running, agrees with its venues, trades and is not degraded."""


class Condition(ApiModel):
    """One condition, after the Kubernetes API conventions."""

    type: ConditionType
    """What the condition is about."""
    status: ConditionStatus
    """True, False or Unknown."""
    reason: ConditionReason
    """One CamelCase word for programs."""
    message: Message = ""
    """For a person: what is so, and what to do."""
    last_transition_time: Timestamp
    """When the status last changed."""
    observed_generation: Annotated[int, Field(ge=0)]
    """The generation of the spec that this speaks of."""


class OrderCounts(ApiModel):
    """Orders since the node's start."""

    total: Annotated[int, Field(ge=0)] = 0
    """All orders."""
    open: Annotated[int, Field(ge=0)] = 0
    """Orders that the venue may still fill."""
    filled: Annotated[int, Field(ge=0)] = 0
    """Orders filled completely."""
    rejected: Annotated[int, Field(ge=0)] = 0
    """Orders that the venue rejected."""
    denied: Annotated[int, Field(ge=0)] = 0
    """Orders that were denied before they were sent."""


class PositionCounts(ApiModel):
    """Positions since the node's start."""

    open: Annotated[int, Field(ge=0)] = 0
    """Open positions."""
    closed: Annotated[int, Field(ge=0)] = 0
    """Closed positions."""


class ProfitAndLoss(ApiModel):
    """Profit in one currency."""

    currency: Annotated[str, Field(max_length=16)]
    """Currency code."""
    realized: DecimalText
    """Profit of closed positions and of the closed parts of open ones, after commissions."""
    unrealized: DecimalText
    """Profit of open positions at the last price."""


class ReplayProgress(ApiModel):
    """How far a replay has come."""

    events: Annotated[int, Field(ge=0)] = 0
    """Events streamed so far."""
    total: Annotated[int, Field(ge=0)] | None = None
    """Events in the catalog, where known."""
    time: Timestamp | None = None
    """Time of the last event, in the catalog's own time."""


class LimitsStatus(ApiModel):
    """Which limits are in force."""

    hash: Annotated[str, Field(max_length=64)]
    """First ten digits of the SHA-256 of the limits file in force."""
    applied_at: Timestamp | None = None
    """When they came into force."""
    error: Message = ""
    """Why newer limits are not in force; the former ones stay."""


class DrainState(StrEnum):
    """How far a stop is."""

    DRAINING = "Draining"
    """At work."""
    DONE = "Done"
    """What is left is what the policy keeps."""
    INCOMPLETE = "Incomplete"
    """Something is left that the policy does not keep, or the venue could not be asked."""


class LeftOrder(ApiModel):
    """An order of the node that is open at its venue."""

    client_order_id: Annotated[str, Field(max_length=128)]
    """Id that the node gave it."""
    instrument: Annotated[str, Field(max_length=128)]
    """Instrument id."""
    strategy: Annotated[str, Field(max_length=128)]
    """Strategy id."""
    side: Annotated[str, Field(max_length=16)]
    """BUY or SELL."""
    quantity: DecimalText
    """What may still fill."""


class LeftPosition(ApiModel):
    """An open position of the node."""

    instrument: Annotated[str, Field(max_length=128)]
    """Instrument id."""
    strategy: Annotated[str, Field(max_length=128)]
    """Strategy id."""
    quantity: DecimalText
    """Signed quantity; negative is short."""
    dust: bool = False
    """Whether it is smaller than what the venue trades."""


class DrainStatus(ApiModel):
    """What a stop was to leave at the venues, and what it left."""

    orders: OrdersAtStop
    """What was to become of open orders."""
    positions: PositionsAtStop
    """What was to become of open positions."""
    state: DrainState
    """How far it is."""
    verified: bool = False
    """Whether the venues, asked after the last thing that happened, have said that this is so."""
    open_orders: Annotated[int, Field(ge=0)] = 0
    """How many orders are left."""
    open_positions: Annotated[int, Field(ge=0)] = 0
    """How many positions are left."""
    left_orders: Annotated[tuple[LeftOrder, ...], Field(max_length=5)] = ()
    """The first of the orders that are left."""
    left_positions: Annotated[tuple[LeftPosition, ...], Field(max_length=5)] = ()
    """The first of the positions that are left."""
    message: Message = ""
    """For a person: what is left, and why."""


DifferenceKind = Annotated[str, Field(min_length=1, max_length=64)]


class VenueAgreement(ApiModel):
    """Whether the node agrees with one venue about orders, fills and positions."""

    venue: Annotated[str, Field(max_length=64)]
    """Name of the venue."""
    agreed: bool = False
    """Whether both sides agree, so that orders pass."""
    last_agreement_at: Timestamp | None = None
    """When they last agreed, as of this report; that it passes is no reason for another report."""
    reconnects: Annotated[int, Field(ge=0)] = 0
    """How often the stream of the node's orders came back after it broke."""
    unanswered: Annotated[int, Field(ge=0)] = 0
    """Comparisons that the venue did not answer."""


class DifferenceCounts(ApiModel):
    """Differences of one kind since the node's start; one that stands counts once."""

    kind: DifferenceKind
    """What kind of difference, such as MissingFill; the guide on agreement lists them."""
    found: Annotated[int, Field(ge=0)] = 0
    """How many were found."""
    repaired: Annotated[int, Field(ge=0)] = 0
    """How many were repaired by the venue's own word."""
    raised: Annotated[int, Field(ge=0)] = 0
    """How many were left to time or to a person."""


class OpenDifference(ApiModel):
    """A difference that stands."""

    venue: Annotated[str, Field(max_length=64)]
    """Name of the venue."""
    kind: DifferenceKind
    """What kind of difference."""
    subject: Annotated[str, Field(max_length=128)]
    """A client order id, an instrument, or the venue."""
    message: Annotated[str, Field(max_length=256)]
    """What differs, with the values of both sides."""
    remedy: Annotated[str, Field(max_length=256)] = ""
    """What to do about it."""
    since: Timestamp
    """When it was first found."""


class ReconciliationStatus(ApiModel):
    """The node's agreement with its venues."""

    venues: Annotated[tuple[VenueAgreement, ...], Field(max_length=16, json_schema_extra=keyed_by("venue"))] = ()
    """Each venue that real orders go to."""
    differences: Annotated[tuple[DifferenceCounts, ...], Field(max_length=32, json_schema_extra=keyed_by("kind"))] = ()
    """Differences of all venues since the node's start, by kind."""
    open: Annotated[int, Field(ge=0)] = 0
    """How many differences stand."""
    open_differences: Annotated[tuple[OpenDifference, ...], Field(max_length=5)] = ()
    """The first of the differences that stand."""


class NodeStatus(ApiModel):
    """``status.node``: written by the node, at most 4 KiB."""

    pod_name: Annotated[str, Field(max_length=253)]
    """Name of the pod that reports."""
    pod_uid: Annotated[str, Field(max_length=64)]
    """Uid of the pod that reports; a report of another pod than the present one, or of an earlier process in it, is
    stale."""
    revision: Annotated[str, Field(max_length=64)]
    """Revision that the node runs."""
    state: NodeState
    """Where the node is in its life."""
    reason: Annotated[str, Field(max_length=128)] = ""
    """One CamelCase word for why."""
    message: Message = ""
    """For a person: what is so, and what to do."""
    trading_state: Annotated[str, Field(max_length=16)] = ""
    """What orders meet where least is taken: Active (all pass), Reducing or Halted (none); halted is also what does not
    agree with a venue, or stops."""
    reconciled: bool = False
    """Whether the node agrees with its venues."""
    orders: OrderCounts = OrderCounts()
    """Orders since the node's start."""
    fills: Annotated[int, Field(ge=0)] = 0
    """Fills since the node's start."""
    positions: PositionCounts = PositionCounts()
    """Positions since the node's start."""
    profit_and_loss: Annotated[
        tuple[ProfitAndLoss, ...], Field(max_length=16, json_schema_extra=keyed_by("currency"))
    ] = ()
    """Profit per currency."""
    pnl: Annotated[str, Field(max_length=128)] = ""
    """Profit in one line, such as ``12.50 USDT``."""
    replay: ReplayProgress | None = None
    """How far the replay has come."""
    limits: LimitsStatus | None = None
    """Which limits are in force."""
    reconciliation: ReconciliationStatus | None = None
    """The agreement with the venues; absent where all are simulated."""
    drain: DrainStatus | None = None
    """What the node's stop left at the venues; absent while it does not stop."""
    started_at: Timestamp
    """When the process started."""
    updated_at: Timestamp
    """When this was written; a node reports after five intervals though nothing has changed."""


class RevisionStatus(ApiModel):
    """Which revision is where."""

    approved: Annotated[str, Field(max_length=64)] = ""
    """The revision that the pod template holds."""
    pending: Annotated[str, Field(max_length=64)] = ""
    """The revision that waits to be approved."""
    running: Annotated[str, Field(max_length=64)] = ""
    """The revision of the present pod."""
    failed: Annotated[str, Field(max_length=64)] = ""
    """The revision that ended with a permanent error."""


class TradingDeploymentStatus(ApiModel):
    """What is so."""

    phase: Phase = Phase.PENDING
    """One word for a person."""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    """The generation of the spec that this status speaks of."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra=keyed_by("type"))] = ()
    """The conditions, one of each type."""
    revision: RevisionStatus = RevisionStatus()
    """Which revision is where."""
    node: NodeStatus | None = None
    """The node's own report."""


class TerminationMessage(ApiModel):
    """Last words of a node, as JSON in its termination message: at most 2 KiB."""

    reason: TerminationReason
    """One CamelCase word."""
    message: Message
    """What happened."""
    remedy: Message = ""
    """What to do about it."""
