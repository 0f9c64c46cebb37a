"""Which refusals are the venue's own word, so that nobody has to ask it again."""

import pytest

from trading_node.nautilus_testimony import is_plain_refusal, is_verdict


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("{'code': -2019, 'msg': 'Margin is insufficient.'}", True),
        ("{'code': -1007, 'msg': 'Timeout waiting for response'}", False),
        ("OKX error 1: SL trigger price must be less than the last traded price", True),
        ("OKX error 50026: System error", False),
        ("OKX error 503: Service Unavailable", False),
        ("connection closed before message completed", False),
        ("not sent: HALTED", True),
    ],
)
def test_a_venues_own_word(reason: str, *, verdict: bool) -> None:
    assert is_verdict(reason) is verdict


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("Order failed. Insufficient USDT margin in account", True),
        ("Parameter px error", True),
        ("Rate limit reached. Please refer to API documentation and throttle requests accordingly", True),
        ("Your order should meet or exceed the minimum order amount.", True),
        ("SL trigger price must be less than the last traded price", True),
        ("System error. Try again later", False),
        ("Order failed. Please try again later", False),
        ("Order timed out. Please try again later.", False),
        ("Systems are busy. Please try again later.", False),
        ("Duplicated client order ID", False),
        ("REJECTED", False),
        ("", False),
    ],
)
def test_words_without_a_code(reason: str, *, plain: bool) -> None:
    assert is_plain_refusal(reason) is plain
