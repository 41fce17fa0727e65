"""Reading bytes of others in child processes that can be ended: pictures, sound, texts of unknown encoding."""
