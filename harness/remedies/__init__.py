"""Remedies: functions that mend what a rule of matrix.yaml explains, for users as for the matrix that proves them.

Each is in a file with others of its kind: `folders` mend a checkpoint folder, `models` a loaded model, `calls` how it
computes. `table` names them, and imports neither torch nor the libraries.
"""
