"""Whether an installation is in order: facts are read in `reading`, and judged by `checks`, which know no cluster."""
