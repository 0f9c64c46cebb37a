"""What a look has to ask a venue beyond its lists. Pure."""

from collections.abc import Iterable, Mapping

from trading_node.reconciliation.facts import OwnOrder, VenueFill, VenueOrder


def orders_to_ask(own: Iterable[OwnOrder], open_orders: Iterable[VenueOrder]) -> list[OwnOrder]:
    """Return the orders that are open or on their way here and that the venue's list of open ones does not have."""
    listed = list(open_orders)
    clients = {order.client_order_id for order in listed if order.client_order_id}
    venues = {order.venue_key for order in listed}
    return [
        order
        for order in own
        if not order.status.is_closed
        and order.client_order_id not in clients
        and (not order.venue_order_id or order.venue_key not in venues)
    ]


def orders_to_ask_fills(
    own: Mapping[str, OwnOrder], open_orders: Iterable[VenueOrder], answers: Mapping[str, VenueOrder | None]
) -> list[VenueOrder]:
    """Return the venue's orders of which more is filled there than here: their trades are asked for one by one."""
    by_venue_key = {order.venue_key: order for order in own.values() if order.venue_order_id}
    wanted: dict[str, VenueOrder] = {}
    for said in (*open_orders, *(answer for answer in answers.values() if answer is not None)):
        mine = own.get(said.client_order_id) or by_venue_key.get(said.venue_key)
        if said.filled > (mine.filled if mine is not None else 0):
            wanted[said.venue_key] = said
    return list(wanted.values())


def orders_of_strangers(
    own: Mapping[str, OwnOrder], known: Iterable[str], fills: Iterable[VenueFill]
) -> list[VenueFill]:
    """Return one fill for each order that fills name and neither the node nor the answers so far know.

    known: keys at the venue of orders that were answered about.
    """
    ours = {order.venue_key for order in own.values()} | set(known)
    found: dict[str, VenueFill] = {}
    for fill in fills:
        if fill.venue_key not in ours and fill.client_order_id not in own:
            found.setdefault(fill.venue_key, fill)
    return list(found.values())
