"""Build the patched client of the dashboard with upstream's own tool chain: `client/dist` (`build --client`)."""

from patcher.client.dist import DIST, build_dist, with_client

__all__ = ["DIST", "build_dist", "with_client"]
