"""The demonstration: an operator, a shop with the usual faults, and what becomes of it, on a local control plane."""
