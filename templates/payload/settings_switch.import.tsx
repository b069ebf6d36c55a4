import { CodexHooksSwitch } from "../components/CodexHooksSwitch";
