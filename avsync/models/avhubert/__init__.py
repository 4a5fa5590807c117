"""The parts of AV-HuBERT (Shi et al., ICLR 2022), in the form of its published weights."""
