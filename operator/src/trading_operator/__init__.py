"""The operator: keeps the cluster as TradingDeployments say."""
