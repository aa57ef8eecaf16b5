"""The operator in a cluster: watches, queue, reconciliation, writes. The only importer of kopf and kubernetes."""
