"""Architecture ``paper``: the convolutional autoencoder of Telari et al. (2025)."""
