"""A real Kubernetes cluster for the tests and the demo, on one Linux machine.

`python -m tests.cluster up` brings it up: kind where Docker, kind and its node image are there, otherwise Kubernetes
built from its Go module on Debian's containerd (as root). Tests use `tests.cluster.fixtures`, which reuses a running
cluster or starts one of its own.
"""
