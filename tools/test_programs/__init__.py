"""The programs that tests run beside the control plane."""
