<HarnessFilter onChange={() => (page === 0 ? void load() : setPage(0))} />
