"""Which user is which node. Called by NodeRestriction and by the API server's node authorizer.

Page: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from podwright.admission.interface import User

PREFIX = "system:node:"
NODES = "system:nodes"


def node_of(user: User) -> str:
    """The node that a user is; "" when it is none."""
    return user.name[len(PREFIX) :] if NODES in user.groups and user.name.startswith(PREFIX) else ""
