import js from "@eslint/js";
import globals from "globals";

const length = { code: 120, ignoreUrls: false };

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: "commonjs", globals: globals.node },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "array-callback-return": "error",
      "default-case-last": "error",
      "dot-notation": "error",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "max-len": ["error", length],
      "max-lines": ["error", 300],
      "no-constructor-return": "error",
      "no-empty": ["error", { allowEmptyCatch: true }],
      "no-else-return": "error",
      "no-eval": "error",
      "no-extend-native": "error",
      "no-implied-eval": "error",
      "no-lonely-if": "error",
      "no-new-wrappers": "error",
      "no-return-assign": "error",
      "no-self-compare": "error",
      "no-sequences": "error",
      "no-shadow": "error",
      "no-template-curly-in-string": "error",
      "no-throw-literal": "error",
      "no-unneeded-ternary": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": ["error", { args: "after-used", caughtErrors: "all", ignoreRestSiblings: true }],
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-useless-concat": "error",
      "no-useless-rename": "error",
      "no-useless-return": "error",
      "no-var": "error",
      "object-shorthand": ["error", "properties"],
      "prefer-const": "error",
      "prefer-promise-reject-errors": "error",
      radix: "error",
      strict: ["error", "global"],
      yoda: "error",
    },
  },
  { files: ["**/*.mjs"], languageOptions: { sourceType: "module" } },
  { files: ["templates/page/*.js", "templates/report/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["templates/handler/*.js"], rules: { "no-unused-vars": ["error", { caughtErrors: "none" }] } }, // ES2017
  { files: ["fixtures/**"], rules: { strict: "off", "no-useless-assignment": "off" } }, // as upstream writes
  {
    files: ["tests/**"],
    rules: {
      "max-len": "off",
      "max-lines": "off",
      "no-sequences": "off",
      "no-shadow": "off",
      "no-unused-expressions": "off",
      "no-unused-vars": ["error", { args: "none", ignoreRestSiblings: true, destructuredArrayIgnorePattern: "^" }],
    },
  },
];
