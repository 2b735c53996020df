"""What timm itself computes, in more ways than one pass, and the files that hold it for each release."""
