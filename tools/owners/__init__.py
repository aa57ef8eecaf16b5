"""What owners of workloads and of clusters write, and what comes of it, for the programs that play them."""
