//! One session: the loop that carries frames both ways and rewrites the statements among them.
