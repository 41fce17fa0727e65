"""What a server's moderators decide for their channels."""
