"""The image of the operator: what goes into it, which program builds it, and on which base."""
