"""A cluster to experiment on, for the cluster tests, the matrix, chaos, the corpus, the proof and the benchmark."""
