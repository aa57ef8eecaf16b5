"""Kubernetes objects as plain, frozen values. Only this package reads their raw dictionaries."""
