/** The engine's version, as capture files and the command line say it. */
export const VERSION = '0.1.0';
