"""What travels on the websocket: length-prefixed frames, Noise encryption, binary XML."""
