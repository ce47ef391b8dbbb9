"""The process that turns spooled pages into tables, rollups and evidence."""
