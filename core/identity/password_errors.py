"""What goes wrong with passwords and their links."""

from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import Conflict


class LoginTaken(Conflict):
    """The login belongs to another account."""

    problem = "login-taken"


class LinkNotValid(NotAuthenticated):
    """The link was used, has expired, was replaced by a newer one, or never existed."""

    problem = "link-not-valid"
