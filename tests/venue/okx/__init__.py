"""OKX v5 as its clients see it: spot and USDT swaps in one account, over REST and WebSocket."""
