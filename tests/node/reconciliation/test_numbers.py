"""Whose order a number of the venue's is, where two instruments have one each."""

from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import TestClock
from nautilus_trader.common.factories import OrderFactory
from nautilus_trader.model.enums import OrderSide
from nautilus_trader.model.identifiers import StrategyId, TraderId, VenueOrderId
from nautilus_trader.model.objects import Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.test_kit.stubs.events import TestEventStubs

from trading_node.nautilus_own import named_by_venue

BTC = TestInstrumentProvider.btcusdt_perp_binance()
ETH = TestInstrumentProvider.ethusdt_perp_binance()


def test_each_instrument_s_order_is_found_by_the_number_that_both_have() -> None:
    cache = Cache()
    factory = OrderFactory(TraderId("DESK-001"), StrategyId("S-1"), TestClock())
    names = {}
    for instrument in (BTC, ETH):
        price, size = Price(100, instrument.price_precision), Quantity(1, instrument.size_precision)
        order = factory.limit(instrument.id, OrderSide.BUY, size, price)
        cache.add_order(order)
        order.apply(TestEventStubs.order_submitted(order))
        order.apply(TestEventStubs.order_accepted(order, venue_order_id=VenueOrderId("7")))
        cache.update_order(order)
        names[instrument.id.value] = order.client_order_id
    assert {name: named_by_venue(cache, name, "7") for name in names} == names
    assert named_by_venue(cache, BTC.id.value, "8") is None
    assert named_by_venue(cache, "SOLUSDT-PERP.BINANCE", "7") is None
    assert named_by_venue(cache, "AAPL.NASDAQ", "7") is None
    assert named_by_venue(cache, BTC.id.value, "") is None
