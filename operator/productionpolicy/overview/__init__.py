"""What a page says about workloads: that of `check -o html`, and those that the operator serves."""
