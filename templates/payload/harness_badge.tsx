<HarnessBadge session={session} />
