"""The reference docs, written from the models and tables that the code runs on."""
