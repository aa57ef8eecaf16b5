module productionpolicy.dev/proof/service

go 1.26.0
