"""Pure: from a TradingDeployment and what is there to what it means: situation, status, conditions, transitions."""
