"""The folder through which pages travel from connector to loader."""
