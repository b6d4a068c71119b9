"""The deletion of an account: plan, approval, record."""
