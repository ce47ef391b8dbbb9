"""The demo: two domains over HTTPS on loopback, with a throw-away CA."""
