"""Every fault that an operator can meet, on a real control plane: nothing is lost, and nothing restarts twice."""
