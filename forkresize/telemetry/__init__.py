"""Traces of runs and requests, made from outcomes after the fact, and sent by OTLP."""
