"""What both halves of Roost stand on; it knows neither of them."""
