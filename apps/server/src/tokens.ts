/** Names of what is injected and has no class of its own. */
export const CONFIG = Symbol('ServerConfig');
export const RUNNER_FACTORY = Symbol('RunnerFactory');
