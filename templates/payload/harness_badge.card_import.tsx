import { HarnessBadge } from "./HarnessBadge";
