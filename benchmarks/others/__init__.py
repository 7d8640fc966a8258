"""The same two streams read by other means, each as its documentation advises.

Every program takes `--url URL --stream analytics|analytics_by_country --first DAY --last DAY` and prints the
records, each in its own framing.
"""
