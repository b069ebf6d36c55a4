path = filteredByHarness(path); // the list of the page of sessions, which is filtered by its address
