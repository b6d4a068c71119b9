"""The documents that Cozy's konnector left, and their conversion into ours."""
