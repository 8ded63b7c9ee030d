"""Messages as customers see them: send, show, list, cancel."""
