"""From the button "Connect a household" to a connected account."""
