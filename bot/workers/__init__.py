"""Decoding untrusted bytes in child processes that can be killed: images, audio, texts of unknown encoding."""
