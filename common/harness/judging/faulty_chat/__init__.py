"""The negative controls of `harness check-chat`: chat rooms with one fault, a class each."""
