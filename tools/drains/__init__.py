"""Drains of random clusters: what the simulator predicts, against what a real control plane does."""
