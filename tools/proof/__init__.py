"""The proof: deploys and drains of a real service on real nodes, before and after the operator's repairs."""
