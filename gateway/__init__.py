"""The HTTP face for client applications: it takes images in, answers questions, serves thumbs and shows pages."""
