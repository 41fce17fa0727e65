"""What a guild's moderators decide: settings, personas, limits, the channel read aloud; and who is served at all."""
