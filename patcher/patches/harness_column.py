"""Sessions know which agent command line they belong to.

Why:      everything else in the series reads or writes `sessions.harness`.
Upstream: `server/db.js`. The migration stands after the composite index on the sessions' status and update time
          (added in v1.1.1), which is before any statement on sessions is prepared; the statement stands before the
          exports. If it moves, search for `idx_sessions_status_updated` and `module.exports`.
v2:       upstream stamps `sessions.provider` itself; `harness` is a generated column that mirrors it, so that none of
          upstream's statements needs to know. It stands after the migration that adds `provider`. If that moves,
          search for `idx_sessions_provider`. A database of a patched v1 tree is brought forward there: provider,
          agents, and how far each rollout was read, so that upstream does not import the same history again.
"""

from patcher.model import MODULE, Anchor, Line, Overlay, Patch, Pin, Position, Site

PATCH = Patch(
    id="harness_column",
    summary="Adds an indexed `harness` column to sessions, `claude` by default; on v2 it mirrors `provider`.",
    sites=(
        Site(
            name="migration",
            file="server/db.js",
            position=Position.AFTER,
            template="payload/harness_column.migration.js.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="db.exec($SQL)",
                    containing="idx_sessions_status_updated",
                    pins=(
                        # v1.1.1 to v1.4.8
                        Pin(
                            tokens="9bbfe5209265e3998289c5328a9762eb88aadeb58beb91803c410dd95c811ebf",
                            text="e2c4ecf602e02772efed8474ab56a28c3907b72e3699b3d8d880b0bd54ea4b4d",
                            line=247,
                        ),
                        # builtin
                        Pin(
                            tokens="9bbfe5209265e3998289c5328a9762eb88aadeb58beb91803c410dd95c811ebf",
                            text="e2c4ecf602e02772efed8474ab56a28c3907b72e3699b3d8d880b0bd54ea4b4d",
                            line=76,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="statement",
            file="server/db.js",
            position=Position.BEFORE,
            template="payload/harness_column.statement.js.j2",
            line=Line.V1,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="module.exports = $EXPORTS",
                    pins=(
                        # v1.1.1 to v1.3.0
                        Pin(
                            tokens="62f0bbdb02655350d7cf6476b356a4157cd63d508481ab157056109c4d90cb48",
                            text="c52961b2400089fa941e4115621abd54cc320fc788c3b312922734b19de8b89d",
                            line=660,
                        ),
                        # v1.4.0 to v1.4.8
                        Pin(
                            tokens="97bc1bf0cbbc52fc9055decb30ad9dc90f8435ecc1b70151b534b70541fd73bf",
                            text="7a59d5a95cf6a167abe7d8a32c0d641dadb81965598559d2c962a6c94cd44690",
                            line=1419,
                        ),
                        # builtin
                        Pin(
                            tokens="db82b3c6e8e44f861133746e68a80b068283a233c9b1efc6e3d31db64f31bb0a",
                            text="73d58098de631987cfb2730ab8eb90144abddc5bfdabf645b0c4b9a945ccaf7d",
                            line=198,
                        ),
                    ),
                ),
            ),
        ),
        Site(
            name="provider",
            file="server/db.js",
            position=Position.AFTER,
            template="payload/harness_column.provider.js.j2",
            line=Line.V2,
            anchors=(
                Anchor(
                    scope=MODULE,
                    pattern="db.exec($SQL)",
                    containing="idx_sessions_provider",
                    pins=(
                        # v2.0.0 to v2.0.3
                        Pin(
                            tokens="b5693b53560600ca6513bf3f77551d7d6ecc3f1243c80de620f62213cbc0ecd4",
                            text="9a226afb06cc13c23af67493210d72d823d3c813b3dff6d31e3ab0eaaac62275",
                            line=873,
                        ),
                        # miniature of the v2 line
                        Pin(
                            tokens="fe20f9c10d175ca4c3f01d02a09a89c658b68d662c4da9ec3d3a27cb5dd0246c",
                            text="97a42565947186183fbbe6e313f3e75f83f7bbb5b3a8403b9df46bb4ddaf112a",
                            line=103,
                        ),
                    ),
                ),
            ),
        ),
    ),
    overlays=(
        Overlay(
            path="server/lib/harness-column.js",
            template="overlay/server/lib/harness-column.js.j2",
            line=Line.V2,
        ),
    ),
    contracts=("existing_database_gains_columns", "v1_database_goes_on_natively"),
)
