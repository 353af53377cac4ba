import { sedCases } from './sed.cases.js';
import { recorded } from './spec-host.js';

recorded('sed', sedCases);
