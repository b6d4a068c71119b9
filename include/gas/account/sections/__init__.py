"""The sections of the account document. Each class knows its key and how to read and write its section."""
