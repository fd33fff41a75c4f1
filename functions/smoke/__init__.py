"""The smoke check: CodeDeploy calls it after a new version has received traffic."""
