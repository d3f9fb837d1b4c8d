"""Write the page that recommends in a browser: its data, its template, its style and its scripts."""
