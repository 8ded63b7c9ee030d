"""The HTTP API and the queue consumers. Never touches a socket of WhatsApp's."""
