"""Runs the operator over the manifests of real projects and checks that it reaches a fixed point and can go back."""
