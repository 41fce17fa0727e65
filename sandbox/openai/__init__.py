"""An OpenAI-compatible API: chat completions, images and speech, with faults on request."""
