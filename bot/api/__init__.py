"""The client of the model API: chat, speech and images over aiohttp, with one typed error tree."""
