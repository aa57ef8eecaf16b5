"""Keeps Kubernetes workloads production-ready."""
