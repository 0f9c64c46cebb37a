"""Binance as its clients see it: spot and USDT-margined futures over REST and WebSocket."""
