"""DynamoDB: records, their keys, and the tables' operations."""
