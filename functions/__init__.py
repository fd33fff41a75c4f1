"""The Lambda functions, one package each, split by who calls them."""
