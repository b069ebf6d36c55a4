import { filteredByHarness } from "./harness";
