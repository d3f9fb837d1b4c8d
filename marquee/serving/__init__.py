"""Turn a trained model into answers: title search, import of ratings, top-N lists, explanations."""
