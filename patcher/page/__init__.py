"""A matrix or a bump as one HTML page that is complete in itself, and as Markdown for a pull request.

Made from the JSON report and nothing else. Fields that are read, all but `command` optional:

- `refs`, `supported`, `stops`, `notes`, `repository` as `patcher.matrix.content` gives them: the grid, and an item for
  each run of stops.
- `bump`: `{from: {ref}, to: {ref}, places: [...], refusals: [{code, where, message, culprit}], matrix, chosen, command,
  record, written, proposed_ok, red: [{contract, said, culprit, untold, brought}]}`: an item for each site. matrix: the
  fields above, for the grid, and an item for each stop that no site tells of. Where there is no `bump`, `places` or
  `patches` that have a `window`.
- an item: `id` or `patch`, `site`, `verdict`, `file`, `line`, `scope`, `message`, `hint`; `since`, `until`;
  `change`, `change_said`; `culprit`, `fits_since`: `{commit, date, subject, author, brought_by}`;
  `declared: {file, line}`;
  `window: {reviewed, found, nearest}` with `payload` and `place` (`before`, `after`, `replace`) in the window or beside
  it, or `windows`, a list of these, each with a `file`, `scope` and `message` of its own; nearest: what the
  chosen candidate takes, or else the first, where nothing is found;
  `candidates: [{rank, kind, file, scope, pattern, likeness, tried: {unique, parses, gates, contracts, problems}, why,
  command}]`; `scope_diff: {since, lines, left_out}`; `twins: [{line, scope, shown}]`.
- `reviewed`, `found`, `nearest`: null, or `{ref, text, line, statement, matched, indent}`. statement: first and last
  line of the anchor's statement, from 0 in `text`: the payload is shown there, on the side of then where now has none.
  matched: half-open offsets in `text` of what is replaced. indent: the white space before the first line.
- `contracts`: as `prove` reports them. `retire`: `[{patches, contract, said}]`. `patches`: as every verb reports them;
  those that are `superseded` are listed. `errors`: as every verb reports them.
"""

from patcher.page.render import to_html, to_markdown

__all__ = ["to_html", "to_markdown"]
