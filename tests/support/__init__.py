"""What the tests share: readable objects, what an API server makes of them, and a world of one workload."""
