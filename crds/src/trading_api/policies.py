"""How a node stops, agrees with its venues and keeps what outlives it."""

from enum import StrEnum
from typing import Final

from trading_api.base import ApiModel
from trading_api.fields import Duration, SecretName, StorageClassName, StorageSize, VariableName, seconds_of
from trading_api.rules import Rule, Transition

LONGEST_DRAIN_SECONDS: Final = 1800
RECONCILIATION_SECONDS: Final = range(10, 3601)


def _within(field: str, least: str, most: str) -> str:
    """Return the CEL of bounds of a duration; a text that is none is another rule's business."""
    spoken = f"self.{field}.matches(r'^[1-9][0-9]{{0,4}}(s|m|h)$')"
    value = f"duration(self.{field})"
    return f"!{spoken} || ({value} >= duration('{least}') && {value} <= duration('{most}'))"


class OrdersAtStop(StrEnum):
    """What becomes of open orders when the node stops."""

    CANCEL = "Cancel"
    KEEP = "Keep"


class PositionsAtStop(StrEnum):
    """What becomes of open positions when the node stops."""

    KEEP = "Keep"
    FLATTEN = "Flatten"


class DrainPolicy(ApiModel):
    """What a stop leaves at the venues, and how long it may take."""

    orders: OrdersAtStop = OrdersAtStop.CANCEL
    """Cancel cancels the node's open orders and waits for the venue's word; Keep leaves them at the venue."""
    positions: PositionsAtStop = PositionsAtStop.KEEP
    """Keep leaves open positions; Flatten closes them at the market."""
    timeout: Duration = "60s"
    """Longest time for it, from 5s to 30m; the pod gets 15 seconds more before it is killed."""

    rules = (
        Rule(
            at="timeout",
            cel=_within("timeout", "5s", "30m"),
            holds=lambda drain: 5 <= drain.seconds <= LONGEST_DRAIN_SECONDS,
            says="write a time from 5s to 30m",
        ),
        Rule(
            at="orders",
            cel="self.orders == 'Cancel' || self.positions == 'Keep'",
            holds=lambda drain: drain.orders is OrdersAtStop.CANCEL or drain.positions is PositionsAtStop.KEEP,
            says="orders that are kept would open positions again: write Cancel, or Keep as {positions}",
        ),
    )

    @property
    def seconds(self) -> int:
        """The time budget in seconds."""
        return seconds_of(self.timeout)


class ReconciliationPolicy(ApiModel):
    """How the node makes sure that it agrees with its venues; at the start and after a reconnect it always does."""

    interval: Duration = "60s"
    """Time between two comparisons of books and venues while trading, from 10s to 1h."""

    rules = (
        Rule(
            at="interval",
            cel=_within("interval", "10s", "1h"),
            holds=lambda policy: policy.seconds in RECONCILIATION_SECONDS,
            says="write a time from 10s to 1h",
        ),
    )

    @property
    def seconds(self) -> int:
        """The interval in seconds."""
        return seconds_of(self.interval)


class DatabaseSecret(ApiModel):
    """A PostgreSQL database for the books."""

    secret_name: SecretName
    """Name of a Secret in the deployment's namespace whose key url holds the database's URL, password included, such
    as postgresql://user:password@db.example.com/books."""


class WhenDeleted(StrEnum):
    """What becomes of the state volume when the deployment is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class State(ApiModel):
    """A volume for what outlives the node: the books or their journal, and paper accounts."""

    size: StorageSize = "10Gi"
    """Least size of the volume, by default for some two million orders in the embedded database; it grows where its
    StorageClass lets it, and never shrinks."""
    storage_class_name: StorageClassName | None = None
    """StorageClass of the volume; absent: the cluster's default. Cannot be changed."""
    when_deleted: WhenDeleted = WhenDeleted.RETAIN
    """Retain keeps the volume's claim when the deployment is deleted, because the books are the record of what was
    traded; a deployment of the same name, mode and trader takes it up again. Delete deletes it with all that is in
    it."""

    rules = (
        Transition(
            at="storage_class_name",
            cel="has(self.storageClassName) == has(oldSelf.storageClassName)"
            " && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
            says="a volume cannot change its class: put the old value back",
        ),
    )


class RedisSecret(ApiModel):
    """A Redis database."""

    secret_name: SecretName
    """Name of a Secret in the deployment's namespace whose key url holds the URL, password included, such as
    redis://:password@redis.example.com:6379."""


class Cache(ApiModel):
    """Where NautilusTrader keeps its cache, beside the process."""

    redis: RedisSecret
    """The Redis database that holds it."""


class NodeCache(ApiModel):
    """Where NautilusTrader keeps its cache, beside the process."""

    url_env: VariableName
    """Environment variable that holds the URL of a Redis database, password included."""
