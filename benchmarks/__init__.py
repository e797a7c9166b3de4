"""Benchmarks of fastpc: workloads, the yardstick they are measured with, and what others need."""
