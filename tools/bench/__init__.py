"""The benchmark: how fast the operator repairs many workloads, compared with the bare writes, and what it costs."""
