"""Steps a learner through a lab's handout; the same handout is what CI runs. See README.md beside this file."""
