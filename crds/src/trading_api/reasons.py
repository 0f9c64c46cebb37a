"""The reasons that conditions give: one CamelCase word for programs, and what it means for a person.

A node may add words of its own; its message explains them. Tests hold operator and node against this list.
"""

from enum import StrEnum


class AcceptedReason(StrEnum):
    """Reasons of the condition ``Accepted``."""

    ACCEPTED = "Accepted"
    """The spec can be run."""
    SPEC_INVALID = "SpecInvalid"
    """The spec breaks a rule that the API server could not check; the message names each field and what to write."""
    POD_TEMPLATE_REFUSED = "PodTemplateRefused"
    """The pod template changes what the operator has to keep; the message names the field and what to do."""
    REFUSED_BY_CLUSTER = "RefusedByCluster"
    """The API server refuses an object that the operator makes for the spec; the message says which and why."""
    FORBIDDEN_BY_CLUSTER = "ForbiddenByCluster"
    """The API server forbids an object that the operator makes, for instance by quota, policy or the operator's own
    rights; the message says which and why."""
    STORAGE_REFUSED = "StorageRefused"
    """The API server refuses the claim of the state volume: correct ``spec.state``; the message says why."""
    STATE_CONFLICT = "StateConflict"
    """A claim that an earlier deployment of this name left holds other books, or is of another StorageClass; the
    message says whose and what to do."""
    NAME_CONFLICT = "NameConflict"
    """An object of somebody else has the name of one that the operator would make; the message names it. Remove it, or
    give the TradingDeployment another name."""


class ProgressReason(StrEnum):
    """Reasons of ``Progressing``, ``Trading``, ``Reconciled`` and ``Ready``."""

    CREATING_POD = "CreatingPod"
    """The pod is about to be made."""
    STARTING = "Starting"
    """The node starts."""
    TRADING = "Trading"
    """The node runs the approved revision and trades."""
    AGREES_WITH_VENUES = "AgreesWithVenues"
    """The node's orders and positions equal those of its venues."""
    NOT_RECONCILED = "NotReconciled"
    """The node does not agree with its venues yet; the message says what is missing."""
    NO_REPORT = "NoReport"
    """No node of this deployment reports, or none has for several intervals."""
    APPLYING_LIMITS = "ApplyingLimits"
    """New limits are on their way to the node, which goes on trading under the former ones; it takes seconds."""
    REPLACING = "Replacing"
    """The former pod ends before the new revision starts."""
    STOPPING = "Stopping"
    """The node is being stopped; where the deployment is deleted, all that belongs to it goes after that."""
    SUSPENDED = "Suspended"
    """The node is stopped, because ``spec.suspend`` is true: set it to false to start the node."""
    COMPLETED = "Completed"
    """The replay ran to its end; to run it again, set ``spec.suspend`` to true and back to false."""


class UpdateReason(StrEnum):
    """Reasons of ``UpdatePending``."""

    UP_TO_DATE = "UpToDate"
    """No revision waits."""
    REPLACING = "Replacing"
    """The new revision is about to be started."""
    AWAITING_APPROVAL = "AwaitingApproval"
    """The new revision waits for the annotation that the message shows."""


class DegradedReason(StrEnum):
    """Reasons of ``Degraded``; they show in ``Ready``, too."""

    AS_EXPECTED = "AsExpected"
    """Nothing is wrong."""
    IMAGE_PULL_FAILED = "ImagePullFailed"
    """The image cannot be pulled: correct ``spec.image``, or name a pull secret in
    ``spec.podTemplate.spec.imagePullSecrets``."""
    CONTAINER_REFUSED = "ContainerRefused"
    """A container cannot be made, for instance for a Secret that is missing: see the message."""
    UNSCHEDULABLE = "Unschedulable"
    """No machine takes the pod: the message says what is missing."""
    SECRET_MISSING = "SecretMissing"  # noqa: S105  # a reason
    """A Secret that the spec names does not exist: create it; the node then starts by itself."""
    SECRET_KEY_MISSING = "SecretKeyMissing"  # noqa: S105  # a reason
    """A Secret that the spec names lacks a key: add it; the node then starts by itself."""
    VOLUME_NOT_MOUNTED = "VolumeNotMounted"
    """A volume of the pod cannot be mounted: see the message."""
    STORAGE_NOT_BOUND = "StorageNotBound"
    """The state volume's claim got no volume: correct ``spec.state.storageClassName``, or see the claim's events."""
    LIMITS_REFUSED = "LimitsRefused"
    """The node cannot apply the newest limits and keeps the former ones: see the message."""
    POD_REFUSED = "PodRefused"
    """The cluster refuses the pod, for instance by quota or pod security: see the message."""
    BUCKET_NOT_FOUND = "BucketNotFound"
    """The bucket of a catalog does not exist: create it, or correct its name."""
    BUCKET_FORBIDDEN = "BucketForbidden"
    """The bucket of a catalog may not be read: give the pod's identity the role Storage Object Viewer."""
    CATALOG_MOUNT_FAILED = "CatalogMountFailed"
    """A catalog cannot be mounted: see the message and the log of its sidecar."""
    CATALOG_UNREADABLE = "CatalogUnreadable"
    """A catalog is missing, empty or unreadable where it is mounted; the node is restarted."""
    CONFIG_REFUSED = "ConfigRefused"
    """The node refuses its run-config; it is not started again until the spec changes."""
    STRATEGY_REFUSED = "StrategyRefused"
    """A strategy cannot be imported or constructed; the node is not started again until the spec changes."""
    USAGE_ERROR = "UsageError"
    """The node does not understand its command line: its image is of another version than the operator."""
    CREDENTIALS_MISSING = "CredentialsMissing"
    """Keys of a venue are missing or cannot be read; the node is not started again until the spec changes: name a
    Secret that has them in ``credentials``."""
    VENUE_REFUSED = "VenueRefused"
    """A venue's adapter cannot do what the spec asks of it, or its keys are of a kind that cannot trade; the node is
    not started again until the spec changes."""
    PAPER_ACCOUNT_IN_USE = "PaperAccountInUse"
    """Another process trades on the same paper account; the node is restarted."""
    NOT_TRADING = "NotTrading"
    """The node did not get to trading; it is restarted."""
    VENUE_NOT_CONNECTED = "VenueNotConnected"
    """A venue did not connect in time; the node is restarted."""
    CACHE_NOT_CONNECTED = "CacheNotConnected"
    """The Redis database of the cache does not answer; the node is restarted."""
    NOT_RECONCILED = "NotReconciled"
    """Node and venue differ in orders or positions: no order passes until they agree; the message says what to do."""
    STRATEGY_FAILED = "StrategyFailed"
    """A strategy raised an exception: correct it; the node is restarted."""
    SHUTDOWN_REQUESTED = "ShutdownRequested"
    """A strategy or a part of the engine asked for a shutdown; the node is restarted."""
    TIME_BARS_NEED_REAL_TIME = "TimeBarsNeedRealTime"
    """A strategy asked for bars that are closed by the wall clock, in a replay that is faster than real time: use bars
    from the catalog, tick or volume bars, or set ``speed`` to 1."""
    CRASHED = "Crashed"
    """An exception ended the node; it is restarted."""
    CRASH_LOOPING = "CrashLooping"
    """The node ends again and again, and said nothing that the operator knows: see its log."""
    OUT_OF_MEMORY = "OutOfMemory"
    """The node used more memory than its limit: raise ``resources.limits.memory`` of the container ``node`` in
    ``spec.podTemplate.spec``."""
    STOP_INCOMPLETE = "StopIncomplete"
    """A stop ran out of its budget, or left what it should not have left: look at the venue."""
    STOP_OVERDUE = "StopOverdue"
    """The pod should have ended by now: see the message."""
    NODE_FAILED = "NodeFailed"
    """The node reports a failure without a reason: see the message and its log."""
    NODE_NOT_REPORTING = "NodeNotReporting"
    """The pod runs, and its node has not reported for several intervals: see its log."""
    NODE_LOST = "NodeLost"
    """The machine of the pod does not answer. The pod is replaced only when it is certain that it has ended; the
    message shows the way out."""
