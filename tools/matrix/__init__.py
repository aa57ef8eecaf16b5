"""The proof that the owner always wins: every writer and every change, on workloads that the operator has repaired."""
