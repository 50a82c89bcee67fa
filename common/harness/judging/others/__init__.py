"""Echo servers in other languages, each as its own documentation teaches it, and the table of all that are judged."""
