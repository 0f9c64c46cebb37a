"""Assets behind the codes that venues give them: some trade a thousand of a cheap coin as if it were one."""

import re
from decimal import Decimal
from functools import lru_cache

_OTHER_CODES = {
    "XBT": "BTC", "XDG": "DOGE", "XXBT": "BTC", "XXDG": "DOGE", "XETC": "ETC", "XETH": "ETH", "XLTC": "LTC",
    "XMLN": "MLN", "XREP": "REP", "XXLM": "XLM", "XXMR": "XMR", "XXRP": "XRP", "XZEC": "ZEC", "ZAUD": "AUD",
    "ZCAD": "CAD", "ZEUR": "EUR", "ZGBP": "GBP", "ZJPY": "JPY", "ZUSD": "USD",
}  # fmt: skip
"""Kraken's own, some of them from before currencies were many."""
_COUNTED = (
    re.compile(r"(?P<count>10{3,7})(?P<asset>[A-Z][A-Z0-9]+)"),  # 1000SHIB, 1000000MOG
    re.compile(r"(?P<count>1M)(?P<asset>[A-Z]{3,})"),  # 1MBABYDOGE
    re.compile(r"(?P<count>k)(?P<asset>[A-Z]{2,})"),  # kPEPE
    re.compile(r"(?P<asset>[A-Z]{2,})(?P<count>10{3,7})"),  # SHIB1000
)
_WORDS = {"k": Decimal(1_000), "1M": Decimal(1_000_000)}


@lru_cache(maxsize=4_096)
def asset_of(code: str) -> tuple[str, Decimal]:
    """Return the asset that a currency code stands for, and how much of it one is: 1000SHIB is a thousand SHIB.

    Told by the code's form alone, as Binance, Bybit and Hyperliquid spell it; Kraken's XXBT and ZUSD are BTC and USD.
    """
    for form in _COUNTED:
        found = form.fullmatch(code)
        if found is not None:
            count = found["count"]
            return found["asset"], _WORDS[count] if count in _WORDS else Decimal(count)
    return _OTHER_CODES.get(code, code), Decimal(1)


def plain_code(code: str) -> str:
    """Return the usual code of a currency; one that counts several of a coin stays as it is."""
    asset, units = asset_of(code)
    return asset if units == 1 else code
