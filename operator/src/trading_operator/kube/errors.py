"""What the API server answers when it does not do what it was asked, in the operator's own words."""


class ApiError(Exception):
    """A request that was not done."""

    def __init__(self, message: str, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class ConflictError(ApiError):
    """The object is not what it was when it was read: look again."""


class AlreadyExistsError(ApiError):
    """There is an object of this name."""


class NotFoundError(ApiError):
    """The object to be changed is gone: look again."""


class InvalidError(ApiError):
    """The object breaks a rule; the message names fields."""


class PatchRefusedError(InvalidError):
    """A patch does not fit the object as it is."""


class ForbiddenError(ApiError):
    """The operator may not do this, or an admission rule or a quota forbids it."""


class NamespaceTerminatingError(ApiError):
    """Nothing can be created any more, because the namespace is going."""


class NotServedError(ApiError):
    """The API server does not know this kind of object. It says nothing about whether objects exist."""


class UnavailableError(ApiError):
    """The API server did not answer, or asked to come again later."""


class UnsettledError(ApiError):
    """Each request was done, and still the objects are not what was asked for."""


class NotLeadingError(ApiError):
    """This process may not write any more; another one may be writing already."""
