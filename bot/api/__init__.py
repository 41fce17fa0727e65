"""The client of the model API: chat, speech and pictures over aiohttp, with one typed error tree."""
