import { awkCases } from './awk.cases.js';
import { recorded } from './spec-host.js';

recorded('awk', awkCases);
