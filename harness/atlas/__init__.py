"""The atlas: what was measured of released pairs, as files, and the answers that they give in a second."""
