import { HarnessFilter } from "../components/HarnessFilter";
