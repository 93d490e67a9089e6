"""Plug-ins in a task: their context, stores and schedules. operators/processor.py generates the calls."""
