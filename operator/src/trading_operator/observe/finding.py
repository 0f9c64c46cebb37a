"""What is wrong, in one word for programs and a sentence for a person."""

from dataclasses import dataclass

from trading_api.status import Message

MAX_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a deployment's pod."""

    reason: str
    """CamelCase."""
    message: Message
    """What is so, and what to do."""


def sentence(*parts: str) -> str:
    """Join what is known into one message that fits a condition."""
    text = ": ".join(part.strip() for part in parts if part.strip())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"
