"""How fast `productionpolicy check` judges many manifests, beside kube-score."""
