"""Client Connect: the consent page, the authorization server, its tokens and its key."""
