"""Traces: spans of requests, jobs, storage and statements, sent to a collector where the settings name one."""
