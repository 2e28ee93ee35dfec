"""One file per wire. A provider turns a request into a call and an answer into a report; it never sees the database."""
