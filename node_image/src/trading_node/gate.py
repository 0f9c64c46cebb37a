"""The gate that every order passes: keeps what decisions need, counts them, and tells why an order was refused.

Decisions are made by :func:`trading_node.risk.decide.decide`; orders come and go by :mod:`trading_node.nautilus_gate`.
One gate belongs to one trading loop. Limits, admission and agreement may be changed from any thread: each is one
immutable object, and a change is one assignment.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from trading_node.position_report import Mark, Prices
from trading_node.risk.book import GateBook
from trading_node.risk.decide import check_standing, decide, is_reducing
from trading_node.risk.decision import Deny, Reason
from trading_node.risk.limits import Limits
from trading_node.risk.orders import OrderIntent
from trading_node.risk.standing import Admission, Standing

REFUSALS_REMEMBERED = 4_096
"""Between a refusal and the event of it may be one turn of the event loop, in which a wild strategy goes on."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal as it is stored."""

    at_ns: int
    """UTC nanoseconds of the gate's clock."""
    order: OrderIntent
    deny: Deny
    modify: bool = False
    """The order exists and goes on; its change was refused."""


class Gate:
    """Admits and refuses orders."""

    def __init__(
        self,
        limits: Limits,
        *,
        on_denial: Callable[[Denial], None] | None = None,
        recorded: Callable[[], bool] | None = None,
    ) -> None:
        """Begin closed: nothing passes until :meth:`set_reconciled`.

        recorded: whether the books take what happens; asked before every order, so it must be cheap.
        """
        self.book = GateBook()
        self.denials: Counter[Reason] = Counter()
        """Refusals since the start, by reason."""
        self.read_prices: Callable[[], None] = lambda: None
        """Brings the newest prices into the book; an order brings those that it needs by itself."""
        self.admitted = 0
        """Orders and modifies let through since the start."""
        self.cleanup_tag = f"cleanup-{secrets.token_hex(8)}"
        """Marks an order as the node's own cleanup; drawn anew by each process, so that no strategy carries it."""
        self._on_denial = on_denial
        self._refused: dict[str, Deny] = {}
        self._recorded = recorded
        self._standing = Standing()
        self._limits = limits
        self.book.use_limits(limits)

    # What may be changed at any time

    @property
    def limits(self) -> Limits:
        """The limits that the next order is held against."""
        return self._limits

    def set_limits(self, limits: Limits) -> None:
        """Replace all limits, without a restart; orders that are out already stay."""
        self._limits = limits

    @property
    def standing(self) -> Standing:
        """Whether orders are taken at all."""
        recorded = self._recorded is None or self._recorded()
        return self._standing if recorded else replace(self._standing, recorded=False)

    def is_open(self) -> bool:
        """Return whether everything is taken everywhere: what `standing` would say, in one look."""
        return self._standing.is_open and (self._recorded is None or self._recorded())

    def set_admission(self, admission: Admission, venue: str | None = None) -> None:
        """Say which orders are taken, at one venue or by the whole node."""
        self._standing = self._standing.with_admission(admission, venue)

    def stop_taking(self, admission: Admission) -> None:
        """Take, from now on, only what a node that stops may send; whatever else is set, this stays."""
        self._standing = self._standing.with_stopping(admission)

    def set_reconciled(self, reconciled: bool, venue: str | None = None) -> None:
        """Say whether the node agrees with a venue, or with all of them."""
        self._standing = self._standing.with_reconciled(venue, reconciled=reconciled)

    def prices(self) -> Prices:
        """Return the newest prices of what was traded or is held, and what they are counted in."""
        self.read_prices()
        marks = {
            name: Mark(base=market.contract.base, currency=market.contract.currency, price=market.mark)
            for name, market in self.book.markets.items()
            if market.mark is not None
        }
        return Prices(marks=marks, currency=self._limits.currency, equal=self._limits.equal_currencies)

    # Orders

    def submit(self, order: OrderIntent, now_ns: int) -> Deny | None:
        """Decide about an order, and count it as sent if it may be; return why it may not."""
        refusal = self._admit(order, now_ns)
        if refusal is not None:
            self.refuse(order, refusal, now_ns)
        return refusal

    def submit_list(self, orders: Sequence[OrderIntent], now_ns: int) -> list[Deny] | None:
        """Decide about orders that go together, all or none; return a refusal for each, or None."""
        for count, order in enumerate(orders):
            refusal = self._admit(order, now_ns)
            if refusal is not None:
                for sent in reversed(orders[:count]):
                    self.book.withdraw(sent.order_id)
                    self.book.forget_content(sent)
                    self.admitted -= 1
                sibling = Deny(Reason.LIST_DENIED, order.order_id)
                refusals = [refusal if each is order else sibling for each in orders]
                for each, deny in zip(orders, refusals, strict=True):
                    self.refuse(each, deny, now_ns)
                return refusals
        return None

    def modify(self, order: OrderIntent, now_ns: int) -> Deny | None:
        """Decide about a modify, the order being as it would become; return why it may not be sent."""
        pending = self.book.set_aside(order.order_id)
        self.book.use_limits(self._limits)
        holding = self.book.holding(order) if pending is None else pending.holding
        resting = pending is not None and pending.accepted and order.quantity <= pending.remaining
        refusal = decide(order, holding, self.book, self.standing, now_ns, resting)
        if refusal is None:
            self.admitted += 1
        if pending is None:
            # Of an order that was never sent, as one that an algorithm holds: it is still to come, and counts then.
            # One that the venue has all the same counts from its answer on.
            if refusal is None:
                self.send(order.strategy, order.contract.venue, now_ns)
        elif refusal is None:
            self.book.amend(pending, order, now_ns)
        else:
            self.book.put_back(pending)
        if refusal is not None:
            self.refuse(order, refusal, now_ns, modify=True)
        return refusal

    def send(self, strategy: str, venue: str, now_ns: int, count: int = 1) -> None:
        """Count cancels: they take from the rates and are never held back."""
        for _ in range(count):
            self.book.sends.record(strategy, venue, now_ns)

    def permits(self, order: OrderIntent, now_ns: int) -> Deny | None:
        """Ask again, right before an admitted order is signed: what passed a while ago may have been halted since.

        Limits are not asked again, because the order itself is counted in what they compare with. A refusal is counted
        once, however many requests the order would take.
        """
        standing = self.standing
        if standing.is_open and not order.cleanup:
            return None
        pending = self.book.set_aside(order.order_id)
        # What the venue has already is asked about again because it shall be modified: as what it would become.
        rests = pending is not None and pending.accepted
        if pending is None:
            reducing = is_reducing(order, self.book.holding(order))
        else:
            resting = rests and pending.remaining <= order.quantity
            order = order._replace(quantity=pending.remaining)
            reducing = is_reducing(order, pending.holding, resting=resting)
            self.book.put_back(pending)
        refusal = check_standing(order.contract.venue, standing, reducing=reducing, cleanup=order.cleanup)
        if refusal is not None:
            self.remember(refusal)
            if pending is None or not pending.refused:
                self.refuse(order, refusal, now_ns, modify=rests)
            if pending is not None:
                pending.refused = True
        return refusal

    def refuse(self, order: OrderIntent, deny: Deny, now_ns: int, *, modify: bool = False) -> None:
        """Count and tell a refusal."""
        self.denials[deny.reason] += 1
        if self._on_denial is not None:
            self._on_denial(Denial(now_ns, order, deny, modify))

    def remember(self, deny: Deny) -> None:
        """Remember a refusal that an event is about to tell as text."""
        if len(self._refused) >= REFUSALS_REMEMBERED:
            del self._refused[next(iter(self._refused))]
        self._refused[str(deny)] = deny

    def refusal(self, text: str) -> Deny | None:
        """Return the refusal behind what was told of it, if it was one of the newest."""
        return self._refused.get(text)

    def _admit(self, order: OrderIntent, now_ns: int) -> Deny | None:
        """Decide about an order, and count it as sent if it may be."""
        limits, book, recorded = self._limits, self.book, self._recorded
        if limits is not book.limits:
            book.use_limits(limits)
        holding = book.holding(order)
        standing = self._standing if recorded is None or recorded() else self.standing
        refusal = decide(order, holding, book, standing, now_ns)
        if refusal is None:
            book.submit(order, holding, now_ns)
            if limits.duplicate_window_ns is not None:
                book.remember_content(order, now_ns)
            self.admitted += 1
        return refusal
