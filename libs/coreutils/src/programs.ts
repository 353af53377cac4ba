/** Every program of this package, for a host's program table. */
import type { ProgramSpec } from '@netloom/sys';
import { awkProgram } from './awk/awk.js';
import { sedProgram } from './sed/sed.js';
import { grepPrograms } from './text/grep.js';

export const coreutilsPrograms: readonly ProgramSpec[] = [awkProgram, sedProgram, ...grepPrograms];
