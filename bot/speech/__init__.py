"""Speech: what is said of a text, the requests for its audio, and the queue in which a voice channel hears it."""
