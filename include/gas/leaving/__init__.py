"""The deletion of a household that leaves: its plan, its approval, and the record that is kept."""
