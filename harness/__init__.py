"""What tests and the bench both stand on: a browser over handlers, the runtime emulator, DynamoDB
servers, built artifacts."""
