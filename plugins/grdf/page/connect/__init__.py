"""Connecting a household: from the button "Connect a household" to the connected account."""
