"""Encoders by name: one modality in, one embedding per video frame out.

A plug-in is a module with a class `Encoder`. One that gives both streams of a model has a method
`Encoder.streams`. If its features can be extracted, it also has `STREAMS`, `feature_options` and a
method `Encoder.extract`, as `avhubert` does. `Encoder.context` states the frames around a frame on
which its embedding depends; without it, long files are scored as for a transformer.
"""
