"""Alignment heads by name: two embedding sequences in, offset_logits out."""
