"""The dashboard's client: patched sources in, upstream's own tool chain, `client/dist` out (`build --client`)."""

from patcher.client.dist import DIST, build_dist, with_client

__all__ = ["DIST", "build_dist", "with_client"]
