"""The local stand-in for the official Python image: Debian trixie with its Python, under the same name.

The Dockerfiles say `FROM python:3.13-slim-trixie`. Where that image can be pulled, Docker does so; elsewhere this
module makes one from Debian packages that answers to the same commands.
"""

from tests.cluster import debian_tree
from tests.cluster.buildah import Buildah
from tests.cluster.progress import Stage

NAME = "localhost/python:3.13-slim-trixie"


def base_image(buildah: Buildah, stage: Stage) -> str:
    """Make the base image unless buildah's store has it already; return its name."""
    key = debian_tree.recipe().key
    marked = f"localhost/base:{key}"
    if buildah.image_id(marked) is None:
        folder = debian_tree.tree(stage)
        stage.say("committing the base image")
        container = buildah("from", "scratch")
        try:
            buildah("copy", container, folder, "/")
            buildah("config", "--env", "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", container)
            buildah("config", "--env", "LANG=C.UTF-8", "--cmd", "python3", container)
            buildah("commit", container, marked)
        finally:
            buildah("rm", container)
    if buildah.image_id(NAME) != buildah.image_id(marked):
        buildah("tag", marked, NAME)
    return NAME
