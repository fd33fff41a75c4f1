"""The smoke check: CodeDeploy calls it when a new version has received its traffic."""
