"""Parts of AV-HuBERT (Shi et al., ICLR 2022), structured as its published weights."""
