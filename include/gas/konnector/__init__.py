"""The documents of Cozy's konnector, and their conversion into ours."""
