"""Whether a request is with the service, for whoever ends a call early and has to know what that costs."""


class Sending:
    """Follows one call, all its tries included."""

    def __init__(self) -> None:
        self.under_way = False
        """Whether a request was sent that the service has neither declined nor broken off."""
