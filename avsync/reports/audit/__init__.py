"""The audit report: audit.json, report.html and a table for the terminal."""
