"""CodeDeploy's function: a smoke check after a new version has got its traffic."""
