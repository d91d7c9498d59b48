# Only ends.
    pass
