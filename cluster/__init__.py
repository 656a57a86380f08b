"""The `morphling` command: Morphling on a Kubernetes cluster."""
