"""The documents that Cozy's konnector left, and how they become ours."""
