"""The account document: the account that runs work with, and the parts of the document that they read and write."""
