"""The ASGI front end. It speaks HTTP and answers every path of the site."""
