"""An HTTP server for the models of a finished run, and a store of the ratings that its visitors give."""
