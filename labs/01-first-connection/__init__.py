"""The tests of this lab's programs (unittest finds them only in a package)."""
