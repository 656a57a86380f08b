"""What runs on a cluster: the images, and the objects around Katib."""
