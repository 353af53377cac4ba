/** Seconds since 1970 at virtual time 0, in every lab: 2025-01-01 00:00 UTC. */
export const EPOCH_SEC = 1_735_689_600;
