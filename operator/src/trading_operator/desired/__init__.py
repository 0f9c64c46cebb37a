"""Pure: from a TradingDeployment and the settings to the Kubernetes objects wanted. One file per kind of object."""
