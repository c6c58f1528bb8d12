"""Traces of runs, chunks, pictures and requests, made from outcomes and sent by OTLP over HTTP.

Only ``export`` imports opentelemetry, which starts a thread. So a process that forks never imports it: it writes its
spans to a file (``spool``), and a child that is started as a fresh interpreter sends them (``send``).
"""
