"""The account document and what runs read from it."""
