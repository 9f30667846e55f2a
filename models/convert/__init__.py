"""The parts of models/convert.py: files of other programs in, a list of layers (models/LAYERS.md) out.

A reader or a family builds a graph (graph.py), which is lowered (rewrite.py, lower.py, phases.py) to steps
(steps.py), which are written as the text `layers` of a model file (layers.py).  evaluate.py computes such a file.
"""
