"""Architecture ``compact``: a small, smooth autoencoder whose encoder is cheap inside MD."""
