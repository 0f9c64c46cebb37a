"""From the columns of a catalog's files to Nautilus' events."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from nautilus_trader.core.data import Data
from nautilus_trader.model.data import (
    Bar,
    FundingRateUpdate,
    IndexPriceUpdate,
    InstrumentClose,
    InstrumentStatus,
    MarkPriceUpdate,
    OrderBookDelta,
    OrderBookDepth10,
    QuoteTick,
    TradeTick,
)
from nautilus_trader.model.identifiers import InstrumentId
from nautilus_trader.model.objects import Price
from nautilus_trader.serialization.arrow.serializer import ArrowSerializer

type Decoder = Callable[[pa.RecordBatch], list[Data]]


def decode(data_type: type, batch: pa.RecordBatch) -> list[Data]:
    """Return the rows of a batch as events of a type. Raises ValueError, KeyError or TypeError for other columns."""
    return DECODERS[data_type](batch)


def _by_rust(data_type: Any) -> Decoder:  # noqa: ANN401  # Nautilus' classes are compiled
    def decoder(batch: pa.RecordBatch) -> list[Data]:
        if not batch.schema.metadata:  # Nautilus takes it for granted.
            raise ValueError("the schema has no metadata, so that nothing says which instrument it is of")
        events: list[Data] = data_type.from_pyo3_list(ArrowSerializer.deserialize(data_type, batch))
        return events

    return decoder


def _by_column(data_type: type) -> Decoder:
    def decoder(batch: pa.RecordBatch) -> list[Data]:
        events: list[Data] = ArrowSerializer.deserialize(data_type, batch)
        return events

    return decoder


def _price_update(data_type: type) -> Decoder:
    """Nautilus has no decoder of its own for these outside of its session; the price is a little-endian integer."""

    def decoder(batch: pa.RecordBatch) -> list[Data]:
        metadata = batch.schema.metadata or {}
        instrument_id = InstrumentId.from_str(metadata[b"instrument_id"].decode())
        precision = int(metadata[b"price_precision"])
        columns = (batch.column(name).to_pylist() for name in ("value", "ts_event", "ts_init"))
        return [
            data_type(
                instrument_id, Price.from_raw(int.from_bytes(raw, "little", signed=True), precision), ts_event, ts_init
            )
            for raw, ts_event, ts_init in zip(*columns, strict=True)
        ]

    return decoder


DECODERS: Mapping[type, Decoder] = {
    # An instrument's state comes before the prices of the same moment, the book before what is made of it.
    InstrumentStatus: _by_column(InstrumentStatus),
    OrderBookDelta: _by_rust(OrderBookDelta),
    OrderBookDepth10: _by_rust(OrderBookDepth10),
    QuoteTick: _by_rust(QuoteTick),
    TradeTick: _by_rust(TradeTick),
    Bar: _by_rust(Bar),
    MarkPriceUpdate: _price_update(MarkPriceUpdate),
    IndexPriceUpdate: _price_update(IndexPriceUpdate),
    FundingRateUpdate: _by_column(FundingRateUpdate),
    InstrumentClose: _by_column(InstrumentClose),
}
"""What can be replayed, in the order in which events of the same time are."""
