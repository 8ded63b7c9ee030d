"""The documentation that the API serves: its OpenAPI document, and Swagger UI from files of our own."""
