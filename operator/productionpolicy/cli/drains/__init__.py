"""The formats of `productionpolicy drain`."""
