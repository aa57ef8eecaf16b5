"""What all measurements are told on their command lines."""

from __future__ import annotations

import argparse


def scaled(program: str, description: str, *, scale: int, what: str = "Deployments") -> argparse.ArgumentParser:
    """Return the parser of a program of which --scale says how many objects it creates."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--scale", type=int, default=scale, metavar="N", help=f"{what} (default: {scale})")
    return parser
