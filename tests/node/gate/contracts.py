"""What the gate reads of an instrument, without an engine."""

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import AccountId

from trading_node.nautilus_orders import read_contract


def contract_of(instrument: Any, account: AccountType = AccountType.MARGIN, leverage: int = 10) -> Any:
    venue_account = SimpleNamespace(
        is_margin_account=True, leverage=lambda _: Decimal(leverage), default_leverage=Decimal(1)
    )
    client: Any = SimpleNamespace(account_type=account, account_id=AccountId("X-1"), oms_type=OmsType.NETTING)
    cache: Any = SimpleNamespace(account=lambda _: venue_account)
    return read_contract(instrument, client, cache)
