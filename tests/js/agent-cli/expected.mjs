/** What is in each recording. */

// Counted by hand from the scripts of the model: the beginnings and ends of calls that both roads tell, or one; prompts;
// sub-agents that begin and end on either road; and how many requests each run of the agent made.
// What one road tells alone: hooks have no calls that are refused before they run (Qwen), their ends (Copilot), the ends
// of calls that fail and what is typed for `droid exec` (droid), calls of
// the agent's own (`read_agent`), those of Copilot's sub-agents before 1.0.81, and one of two that are equal to the
// millisecond; the transcript has no calls of Qwen's sub-agents in 0.15.10.
export const EXPECTED = {
  "copilot-1.0.102-background": { calls: { both: 6, transcript: 2, hook: 0 }, prompts: 1, agents: [1, 1], requests: [6] },
  "copilot-1.0.102-interrupt": { calls: { both: 1, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [1] },
  "copilot-1.0.102-mcp": { calls: { both: 4, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "copilot-1.0.102-nested": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [7] },
  "copilot-1.0.102-refused": { calls: { both: 3, transcript: 1, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "copilot-1.0.102-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.102-subagents": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [8] },
  "copilot-1.0.102-tools": { calls: { both: 14, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [8] },
  "copilot-1.0.102-twins": { calls: { both: 7, transcript: 1, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.24-twins": { calls: { both: 0, transcript: 8, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.55-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.55-subagent": { calls: { both: 2, transcript: 4, hook: 0 }, prompts: 1, agents: [1, 1], requests: [5] },
  "copilot-1.0.55-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "copilot-1.0.80-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 2] },
  "copilot-1.0.80-subagents": { calls: { both: 4, transcript: 8, hook: 0 }, prompts: 1, agents: [2, 2], requests: [8] },
  "droid-0.215.0-subagents": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [10] },
  "droid-0.215.0-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "droid-0.225.2-failing": { calls: { both: 4, transcript: 2, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "droid-0.225.2-interrupt": { calls: { both: 1, transcript: 1, hook: 0 }, prompts: 1, agents: [0, 0], requests: [2] },
  "droid-0.225.2-recall": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [7] },
  "droid-0.225.2-refused": { calls: { both: 8, transcript: 2, hook: 0 }, prompts: 1, agents: [0, 0], requests: [6] },
  "droid-0.225.2-resume": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 2, agents: [0, 0], requests: [2, 3] },
  "droid-0.225.2-subagents": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [10] },
  "droid-0.225.2-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "qwen-0.15.10-subagent": { calls: { both: 2, transcript: 0, hook: 4 }, prompts: 1, agents: [1, 1], requests: [5] },
  "qwen-0.15.10-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "qwen-0.21.2-subagent": { calls: { both: 6, transcript: 0, hook: 0 }, prompts: 1, agents: [1, 1], requests: [5] },
  "qwen-0.21.2-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
  "qwen-0.24.4-background": { calls: { both: 12, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [11] },
  "qwen-0.24.4-file": { calls: { both: 4, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [3] },
  "qwen-0.24.4-interrupt": { calls: { both: 2, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [1] },
  "qwen-0.24.4-nested": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [2, 2], requests: [7] },
  "qwen-0.24.4-refused": { calls: { both: 4, transcript: 8, hook: 0 }, prompts: 1, agents: [0, 0], requests: [7] },
  "qwen-0.24.4-resume": { calls: { both: 4, transcript: 4, hook: 0 }, prompts: 2, agents: [0, 0], requests: [3, 3] },
  "qwen-0.24.4-twins": { calls: { both: 8, transcript: 0, hook: 0 }, prompts: 1, agents: [0, 0], requests: [4] },
};
