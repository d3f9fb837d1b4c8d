"""Judge the lists and predictions of any library by our metrics, and by the library's own variants."""
