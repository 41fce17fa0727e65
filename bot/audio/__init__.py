"""Speech as Discord wants it: MP3 bytes in as they come, an unbroken run of 20 ms Opus packets out."""
