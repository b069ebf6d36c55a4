import { HarnessBadge } from "../components/HarnessBadge";
