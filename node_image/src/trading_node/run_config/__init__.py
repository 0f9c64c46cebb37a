"""The run-config: read, with variables of the environment put in, checked and shown."""
